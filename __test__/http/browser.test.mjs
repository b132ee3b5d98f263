// A real browser: EventSource in Chromium reconnects by itself, misses nothing, and stops at the end.

import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'
import { deferred } from '../support/deferred.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { within } from '../support/within.mjs'
import { running } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const COUNT = 300

const page = `<!doctype html><script>
  window.got = []
  window.opened = 0
  const source = new EventSource('/numbers')
  source.onopen = () => { window.opened++ }
  source.onmessage = ({ data }) => { window.got.push(Number(data)) }
  source.addEventListener('end', () => { window.ended = true })
  source.onerror = () => { window.state = source.readyState }
</script>`

test('EventSource reconnects after its connection is cut, gets every result once, and does not come back after the end', async (context) => {
  const executablePath = findBrowser()
  if (!has(context, executablePath, 'Chromium')) return
  const gates = Array.from({ length: 4 }, deferred)
  const numbers = streamFn(async function* numbers() {
    for (let number = 1; number <= COUNT; number++) {
      if (number % 100 === 1) await gates[(number - 1) / 100].promise
      yield number
    }
    await gates[3].promise
  })
  const serve = handler(numbers, { resume: true, retry: 20, end: 'end' })
  let asked = 0
  const made = await running(
    http
      .createServer((req, res) => {
        if (req.url === '/numbers') {
          asked++
          return serve(req, res)
        }
        res.setHeader('content-type', 'text/html').end(req.url === '/' ? page : '')
      })
      .listen(0, '127.0.0.1'),
  )
  const browser = await within(30_000, chromium.launch({ executablePath, args: ['--no-sandbox'] }), 'Chromium')
  try {
    const tab = await browser.newPage()
    await tab.goto(made.url)
    const got = (count) => tab.waitForFunction((wanted) => window.got.length >= wanted, count, { timeout: 20_000 })
    for (let cut = 0; cut < 3; cut++) {
      gates[cut].resolve()
      await got((cut + 1) * 100)
      for (const socket of made.sockets) socket.resetAndDestroy()
      await tab.waitForFunction((wanted) => window.opened >= wanted, cut + 2, { timeout: 20_000 })
    }
    gates[3].resolve()
    // 2 is CLOSED: the browser was told that nothing follows.
    await tab.waitForFunction(() => window.ended && window.state === 2, undefined, { timeout: 20_000 })
    assert.deepEqual(
      await tab.evaluate(() => window.got),
      Array.from({ length: COUNT }, (_, index) => index + 1),
    )
    assert.equal(asked, 5)
  } finally {
    await browser.close()
    await made.close()
  }
  await settled()
})
