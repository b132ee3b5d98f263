// A page in Chromium: its WebSocket talks to a stream, is cut off, comes back, and learns the close codes.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { totals, withServer } from './support.mjs'

const executablePath = findBrowser()

if (executablePath === undefined) {
  test('there is a browser', (context) => {
    assert.equal(has(context, executablePath, 'Chromium'), false)
  })
} else {
  describe('a page', () => {
    let browser
    let page
    let site

    before(async () => {
      site = createServer((_req, res) => res.setHeader('content-type', 'text/html').end('<!doctype html><title>velo</title>'))
      await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
      browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
      page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${site.address().port}/`)
    })

    after(async () => {
      await browser?.close()
      site.closeAllConnections()
      site.close()
    })

    const evaluate = (...args) => within(30_000, page.evaluate(...args), 'the page')

    test('sends events and gets results in order', async () => {
      await withServer(totals, { endMessage: 'end' }, async ({ url }) => {
        const { results, code, reason } = await evaluate(
          ([url, count]) =>
            new Promise((resolve) => {
              const socket = new WebSocket(url)
              const results = []
              socket.onopen = () => {
                for (let add = 0; add < count; add++) socket.send(JSON.stringify({ add }))
                socket.send('end')
              }
              socket.onmessage = ({ data }) => results.push(JSON.parse(data).count)
              socket.onclose = ({ code, reason }) => resolve({ results, code, reason })
            }),
          [url, 5000],
        )
        assert.deepEqual(
          results,
          numbers(5000).map((n) => n + 1),
        )
        assert.deepEqual([code, reason], [1000, 'done'])
      })
    })

    test('answers pings, and gets bytes as bytes', async () => {
      const echo = streamFn(
        async function* echo(events) {
          yield* events
        },
        { idleTimeout: 0 },
      )
      await withServer(echo, { binary: 'raw', heartbeat: 1000 }, async ({ url, sockets }) => {
        const pongs = []
        const talked = evaluate(
          (url) =>
            new Promise((resolve, reject) => {
              const socket = new WebSocket(url)
              socket.binaryType = 'arraybuffer'
              socket.onopen = () => socket.send('"wait"')
              socket.onmessage = ({ data }) => {
                if (typeof data === 'string') socket.send(new Uint8Array([9, 8, 7]))
                else {
                  globalThis.kept = socket
                  resolve([...new Uint8Array(data)])
                }
              }
              socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`))
            }),
          url,
        )
        assert.deepEqual(await talked, [9, 8, 7])
        await within(
          10_000,
          new Promise((resolve) => sockets[0].socket.on('pong', (data) => pongs.push(data) === 2 && resolve())),
          'two pongs',
        )
        sockets[0].socket.removeAllListeners('pong')
        await evaluate(() => {
          globalThis.kept.onclose = null
          globalThis.kept.close()
        })
      })
    })

    test('that is cut off again and again misses nothing and gets nothing twice', async () => {
      const options = { onDisconnect: { graceMs: 60_000 }, resumeBuffer: 16, endMessage: 'end' }
      await withServer(totals, options, async (server) => {
        server.wss.on('connection', (socket, { socket: wire }) => {
          // Ten lives, each a little longer than the one before and shorter than the talk.
          let left = 5 + 3 * server.sockets.length
          const cut = () => {
            if (--left > 0) return
            socket.off('message', cut)
            wire.resetAndDestroy()
          }
          if (server.sockets.length <= 10) socket.on('message', cut)
        })
        const { results, lives } = await evaluate(
          ([url, count]) =>
            new Promise((resolve, reject) => {
              const results = []
              let token
              let lives = 0
              const live = () => {
                lives++
                const socket = new WebSocket(token ? `${url}/?resume=${token}&last=${results.length}` : url)
                let sent
                const send = () => {
                  while (sent < count && sent < results.length + 8) socket.send(JSON.stringify({ add: ++sent }))
                  if (sent === count && results.length === count) {
                    sent++
                    socket.send('end')
                  }
                }
                socket.onmessage = ({ data }) => {
                  const value = JSON.parse(data)
                  if (value.velo) {
                    token = value.velo.token
                    sent = value.velo.received
                    send()
                  } else {
                    results.push(value.count)
                    setTimeout(send)
                  }
                }
                socket.onclose = ({ code }) => {
                  if (code === 1006) live()
                  else if (code === 1000) resolve({ results, lives })
                  else reject(new Error(`closed with ${code}`))
                }
              }
              live()
            }),
          [server.url, 400],
        )
        assert.deepEqual(
          results,
          numbers(400).map((n) => n + 1),
        )
        assert.equal(lives, 11)
      })
    })

    test('learns why it is closed', async () => {
      const failing = streamFn(async function* failing(events) {
        for await (const event of events) throw new Error(`no ${event}`)
      })
      await withServer(failing, { expose: true }, async ({ url }) => {
        const end = await evaluate(
          (url) =>
            new Promise((resolve) => {
              const socket = new WebSocket(url)
              socket.onopen = () => socket.send('"such thing"')
              socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean })
            }),
          url,
        )
        assert.deepEqual(end, { code: 1011, reason: 'no such thing', wasClean: true })
      })
    })

    test('that is closed ends its stream', async () => {
      await withServer(totals, {}, async ({ url, served, next }) => {
        const tab = await browser.newPage()
        await tab.goto(`http://127.0.0.1:${site.address().port}/`)
        const connected = next()
        await tab.evaluate((url) => {
          globalThis.socket = new WebSocket(url)
        }, url)
        await connected
        await tab.close()
        assert.equal((await within(10_000, served[0].stream.closed, 'the end')).reason, 'aborted')
      })
    })
  })
}

noUnhandledRejections('browser')
