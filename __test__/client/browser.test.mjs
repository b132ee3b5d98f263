// The client in Chromium, as it is published: a page loads it from a server, and its connections are cut again and again.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocketServer } from 'ws'
import { running } from '../http/support/servers.mjs'
import { numbers } from '../support/counted.mjs'
import { deferred } from '../support/deferred.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { totals } from '../websocket/support.mjs'

const executablePath = findBrowser()
const dist = new URL('../../dist/', import.meta.url)

/** Waits after each hundred results until the page has had its connection cut. */
const gates = Array.from({ length: 10 }, deferred)
const count = streamFn(async function* count(events) {
  for await (const to of events) {
    for (let n = 1; n <= to; n++) {
      yield n
      if (n % 100 === 0) await gates[n / 100 - 1].promise
    }
  }
})

if (executablePath === undefined) {
  test('there is a browser', (context) => {
    assert.equal(has(context, executablePath, 'Chromium'), false)
  })
} else {
  describe('a page', () => {
    let browser
    let page
    let made

    before(async () => {
      const serve = handler(count, { resume: true, retry: 1 })
      const server = http.createServer((req, res) => {
        if (req.url === '/count') {
          return serve(req, res)
        }
        if (!req.url.endsWith('.mjs')) return res.setHeader('content-type', 'text/html').end('<!doctype html><title>velo</title>')
        res.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(basename(req.url), dist)))
      })
      new WebSocketServer({ server }).on('connection', (socket, request) => {
        serveSocket(socket, totals, { request, endMessage: 'end', onDisconnect: { graceMs: 60_000 }, resumeBuffer: 4096 })
      })
      made = await running(server.listen(0, '127.0.0.1'))
      browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
      page = await browser.newPage()
      await page.exposeFunction('cutOff', (gate) => {
        for (const socket of made.sockets) socket.resetAndDestroy()
        gates[gate]?.resolve()
      })
      await page.goto(made.url)
    })

    after(async () => {
      await browser?.close()
      await made?.close()
    })

    const evaluate = (...args) => within(60_000, page.evaluate(...args), 'the page')

    test('keeps its WebSocket over cuts, and loses and doubles nothing', async () => {
      const { results, end, opens } = await evaluate(async (count) => {
        const { connect } = await import('/client.browser.mjs')
        let opens = 0
        const onState = (state) => {
          if (state === 'open') opens++
        }
        const client = connect('/socket', { endMessage: 'end', backoff: { minMs: 5, maxMs: 50 }, onState })
        const results = []
        let sent = 0
        const send = () => {
          while (sent < count && sent < results.length + 150) void client.send({ add: ++sent })
          if (results.length === count) void client.end()
        }
        send()
        for await (const result of client) {
          results.push(result.count)
          send()
          if (results.length % 100 === 0) await globalThis.cutOff()
        }
        return { results, end: await client.closed, opens }
      }, 1000)
      assert.deepEqual(
        results,
        numbers(1000).map((n) => n + 1),
      )
      assert.deepEqual(end, { reason: 'done' })
      assert.ok(opens >= 4, `${opens} connections`)
    })

    test('hears while it is connected what has arrived, and takes none of it for a result', async () => {
      const { said, results } = await evaluate(async () => {
        const { connect } = await import('/client.browser.mjs')
        const said = []
        class Listening extends WebSocket {
          constructor(...given) {
            super(...given)
            this.addEventListener('message', ({ data }) => {
              if (data.startsWith('{"velo"')) said.push(JSON.parse(data).velo.received)
            })
          }
        }
        const client = connect('/socket', { endMessage: 'end', WebSocket: Listening })
        for (let n = 0; n < 300; n++) await client.send({ add: 1 })
        await client.end()
        const results = []
        for await (const { count } of client) results.push(count)
        return { said, results }
      })
      assert.deepEqual(
        results,
        numbers(300).map((n) => n + 1),
      )
      assert.ok(said.length > 1 && said.at(-1) > 200, `${said}`)
    })

    test('reads the results of a POST over cuts, and misses and doubles none', async () => {
      const { results, end, opens } = await evaluate(async (count) => {
        const { subscribe } = await import('/client.browser.mjs')
        let opens = 0
        const onState = (state) => {
          if (state === 'open') opens++
        }
        const headers = { 'content-type': 'application/x-ndjson' }
        const subscription = subscribe('/count', { body: `${count}\n`, headers, backoff: { minMs: 5, maxMs: 50 }, onState })
        const results = []
        for await (const result of subscription) {
          results.push(result)
          if (results.length % 100 === 0) await globalThis.cutOff(results.length / 100 - 1)
        }
        return { results, end: await subscription.closed, opens }
      }, 1000)
      assert.deepEqual(
        results,
        numbers(1000).map((n) => n + 1),
      )
      assert.deepEqual(end, { reason: 'done' })
      assert.ok(opens >= 10, `${opens} responses`)
    })

    test('closes and aborts: every wait settles, and the streams end', async () => {
      const said = await evaluate(async () => {
        const { AbortError, connect, subscribe } = await import('/client.browser.mjs')
        const controller = new AbortController()
        const { signal } = controller
        const client = connect('/socket', { signal })
        await client.send({ add: 1 })
        const results = client[Symbol.asyncIterator]()
        await results.next()
        const read = results.next().catch((error) => error instanceof AbortError && error.code)
        controller.abort()
        const subscription = subscribe('/count', { signal })
        const [first] = await Promise.allSettled([subscription[Symbol.asyncIterator]().next()])
        return [await read, first.reason.code, (await client.closed).reason, (await subscription.closed).reason]
      })
      assert.deepEqual(said, ['VELO_ABORTED', 'VELO_ABORTED', 'aborted', 'aborted'])
    })
  })
}

noUnhandledRejections('browser')
