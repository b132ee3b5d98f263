// Rule 32 for clients: one that a server does not accept learns the status at once, over every kind of socket; attempts go on only after
// 5xx, 429 and connections that fail.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { basename } from 'node:path'
import { after, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { connect, subscribe } from 'velo-stream/client'
import { createServer } from 'velo-stream/server'
import { WebSocket, WebSocketServer } from 'ws'
import { running } from '../http/support/servers.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { all, backoff, playedSockets } from './support.mjs'

async function* twice(events) {
  for await (const event of events) yield event * 2
}

/** A server whose clients need a name in the query, and may not be `guest`. */
async function serving(options = {}) {
  const authorize = (req) => (req.url.includes('guest') ? undefined : /name=(\w+)/.exec(req.url)?.[1])
  const server = createServer({ functions: { twice }, authorize, grace: 0, origins: '*', websocket: { endMessage: 'end' }, ...options })
  after(() => server.close({ grace: 0 }))
  await server.listen()
  return server.url
}

/** Every class of sockets that there is here: browsers and this line of Node.js have one. */
const classes = [['ws', WebSocket], ...(globalThis.WebSocket === undefined ? [] : [['the global one', globalThis.WebSocket]])]

/** How a client ended that was not accepted: without the attempts that take half a minute. */
async function refusal(client) {
  const sent = client.send(1).catch((error) => error)
  const read = all(client).catch((error) => error)
  const { reason, error } = await within(10_000, client.closed, 'the refusal')
  assert.deepEqual([reason, error.code, await read], ['failed', 'VELO_CLOSED', error])
  // Where the socket was open for a moment, the event had been handed to it.
  const said = await sent
  if (said !== undefined) assert.equal(said.message, `the stream is over: ${error.message}`)
  return error.message
}

for (const [name, Class] of classes) {
  describe(`connect over ${name}`, () => {
    for (const resume of [undefined, false, true])
      test(`rule 32: a mistyped name and a missing login are told at once, with resume: ${resume}`, async () => {
        const url = await serving({ websocket: { endMessage: 'end', ...(resume ? { onDisconnect: { graceMs: 1000 } } : {}) } })
        const told = (path) => refusal(connect(`${url}${path}`, { WebSocket: Class, resume }))
        assert.match(await told('/fn/twise?name=me'), /^the server answers 404\b/)
        assert.match(await told('/other?name=me'), /^the server answers 404\b/)
        assert.match(await told('/fn/twice'), /^the server answers 401\b/)
      })

    test('rule 32: the message of the server comes with its status', async () => {
      const url = await serving()
      assert.equal(
        await refusal(connect(`${url}/fn/twise?name=me`, { WebSocket: Class })),
        'the server answers 404: there is no function of this name',
      )
    })

    for (const resume of [undefined, false])
      test(`a server without a place is asked again until it has one, with resume: ${resume}`, async () => {
        const url = await serving({ maxPerClient: 1 })
        const options = { WebSocket: Class, resume, endMessage: 'end', backoff: { ...backoff, attempts: Infinity } }
        const first = connect(`${url}/fn/twice?name=me`, options)
        await first.send(1)
        const results = first[Symbol.asyncIterator]()
        assert.equal((await within(10_000, results.next())).value, 2)
        let attempts = 0
        let isTold
        const refusedTwice = new Promise((resolve) => {
          isTold = resolve
        })
        const onState = (state) => {
          if (state === 'connecting' && ++attempts === 2) isTold()
        }
        // The first attempt without acks is refused by a status, which is no open connection.
        const second = connect(`${url}/fn/twice?name=me`, { ...options, onState })
        const sent = Promise.all([second.send(1), second.send(2), second.end()])
        if (resume === undefined) await within(10_000, refusedTwice, 'two refusals')
        await first.close()
        await sent
        assert.deepEqual(await all(second), [2, 4])
      })

    test('a server that has no place for as long as there are attempts: VELO_OVERLOADED with its status', async () => {
      const url = await serving({ maxPerClient: 1 })
      const first = connect(`${url}/fn/twice?name=me`, { WebSocket: Class })
      await first.send(1)
      await within(10_000, first[Symbol.asyncIterator]().next())
      const second = connect(`${url}/fn/twice?name=me`, { WebSocket: Class, backoff: { minMs: 1, maxMs: 2, attempts: 2 } })
      const { error } = await within(10_000, second.closed, 'the end')
      assert.deepEqual([error.code, error.message], ['VELO_OVERLOADED', 'the server answers 429: this client has too many streams open'])
      await first.close()
    })
  })
}

describe('servers that are not those of createServer, over ws', () => {
  /** Refuses with each of these responses in turn, and then accepts. */
  async function refusing(...responses) {
    const server = http.createServer().listen(0, '127.0.0.1')
    const wss = new WebSocketServer({ noServer: true })
    const seen = []
    server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => {})
      seen.push(req.url)
      const response = responses.shift()
      if (response !== undefined) return socket.end(`HTTP/1.1 ${response}\r\nConnection: close\r\n\r\n`)
      wss.handleUpgrade(req, socket, head, (ws) => ws.send('1'))
    })
    await once(server, 'listening')
    after(() => server.close().closeAllConnections())
    return { seen, url: `ws://127.0.0.1:${server.address().port}/path` }
  }

  test('rule 32: a status below 500 is the end, and is told', async () => {
    for (const status of ['401 Unauthorized', '403 Forbidden', '404 Not Found', '302 Found', '200 OK']) {
      const { url, seen } = await refusing(status)
      assert.equal(await refusal(connect(url, { WebSocket })), `the server answers ${status.replace(' ', ': ')}`)
      assert.equal(seen.length, 1)
    }
  })

  test('another attempt follows on 5xx and on 429, not before Retry-After', async () => {
    for (const [status, ms] of [
      ['503 Service Unavailable', 0],
      ['502 Bad Gateway', 0],
      ['429 Too Many Requests\r\nRetry-After: 1', 1000],
      [`503 Service Unavailable\r\nRetry-After: ${new Date(Date.now() + 60_000).toUTCString()}`, 1000],
    ]) {
      const { url, seen } = await refusing(status)
      const start = performance.now()
      const client = connect(url, { WebSocket, backoff: { minMs: 1, maxMs: 1000 } })
      const { value } = await within(10_000, client[Symbol.asyncIterator]().next(), 'a result')
      assert.equal(value, 1)
      assert.equal(seen.length, 2)
      assert.ok(performance.now() - start >= ms * 0.99, `${performance.now() - start} ms`)
      await client.close()
    }
  })
})

test('close codes of an application in the middle of a stream end it, and are not taken for refusals to be tried again', async () => {
  for (const [code, reason, message] of [
    [4401, 'the token has expired', 'the server answers 401: the token has expired'],
    [4503, 'maintenance', 'the server answers 503: maintenance'],
    [4503, 'busy; retry after 1 s', 'the server answers 503: busy'],
    [4001, 'mine', 'the stream failed: closed with 4001 mine'],
    [4409, 'replaced', 'another connection has taken over the stream (4409)'],
  ]) {
    const { Played, made } = playedSockets()
    const client = connect('ws://h/a', { WebSocket: Played })
    made[0].open()
    made[0].say(1)
    made[0].cut(code, reason)
    const { error } = await within(10_000, client.closed, 'the end')
    assert.equal(error.message, message)
    assert.equal(made.length, 1)
  }
})

test('rule 32: a function that fails is told in a sentence', async () => {
  const { Played, made } = playedSockets()
  const client = connect('ws://h/a', { WebSocket: Played })
  made[0].open()
  made[0].cut(1011, 'failed')
  const { error } = await client.closed
  assert.equal(error.message, 'the function of the stream failed; its server has the error, and tells it with the option expose')
})

test('rule 32: subscribe tells the status at once', async () => {
  const url = await serving()
  for (const [path, message] of [
    ['/fn/twise?name=me', 'the server answers 404: there is no function of this name'],
    ['/fn/twice', 'the server answers 401: who asks?'],
  ]) {
    const client = subscribe(`${url}${path}`, { body: '1\n' })
    await assert.rejects(within(10_000, all(client)), { code: 'VELO_CLOSED', message })
  }
})

test('rule 32: a page learns the status, which its browser hides', async (context) => {
  const executablePath = findBrowser()
  if (!has(context, executablePath, 'Chromium')) return
  const dist = new URL('../../dist/', import.meta.url)
  const pages = http.createServer((req, res) => {
    if (!/\.m?js$/.test(req.url)) return res.setHeader('content-type', 'text/html').end('<!doctype html><title>velo</title>')
    res.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(basename(req.url), dist)))
  })
  const site = await running(pages.listen(0, '127.0.0.1'))
  const browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
  try {
    const page = await browser.newPage()
    await page.goto(site.url)
    const url = (await serving()).replace('http', 'ws')
    const told = await within(
      20_000,
      page.evaluate(async (url) => {
        const { connect } = await import('/client.browser.mjs')
        const tell = async (path, options) => (await connect(`${url}${path}`, options).closed).error.message
        return Promise.all([
          tell('/fn/twise?name=me'),
          tell('/fn/twice'),
          tell('/fn/twice', { resume: true }),
          tell('/fn/twise?name=me', { resume: false }),
        ])
      }, url),
      'the page',
    )
    const [noFunction, noLogin] = ['the server answers 404: there is no function of this name', 'the server answers 401: who asks?']
    assert.deepEqual(told, [noFunction, noLogin, noLogin, noFunction])
  } finally {
    await browser.close()
    await site.close()
  }
})

noUnhandledRejections('rule 32')
