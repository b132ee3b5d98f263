// The client in a page of another origin than its server: what it needs of a response is shown to it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { basename } from 'node:path'
import { after, test } from 'node:test'
import { chromium } from 'playwright-core'
import { createServer } from 'velo-stream/server'
import { running } from '../http/support/servers.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* count(events) {
  for await (const to of events) for (let n = 1; n <= to; n++) yield n
}

const dist = new URL('../../dist/', import.meta.url)
const origin = 'https://app.example'

async function serving(cors) {
  const server = createServer({ functions: { count }, cors, origins: '*', http: { resume: true, out: 'sse' } })
  after(() => server.close({ grace: 0 }))
  await server.listen()
  return server.url
}

for (const cors of ['*', [origin]])
  test(`cors: ${cors}: the names of the stream and of the wait before another attempt are shown`, async () => {
    const url = await serving(cors)
    const answer = await within(10_000, fetch(`${url}/fn/count`, { method: 'POST', body: '1\n', headers: { origin } }), 'the answer')
    const exposed = answer.headers.get('access-control-expose-headers').split(', ')
    // Some browsers do not know the star, and none do where credentials are sent.
    for (const name of ['*', 'velo-stream', 'retry-after']) assert.ok(exposed.includes(name), `${exposed}`)
    assert.match(answer.headers.get('velo-stream'), /^[\w-]+/)
    await answer.text()
  })

test('without cors, and for origins that may not call, nothing is', async () => {
  for (const cors of [undefined, ['https://other.example']]) {
    const url = await serving(cors)
    const answer = await within(10_000, fetch(`${url}/fn/count`, { method: 'POST', body: '1\n', headers: { origin } }), 'the answer')
    assert.equal(answer.headers.get('access-control-expose-headers'), null)
    await answer.text()
  }
})

test('a page of another origin reads results, and knows their stream', async (context) => {
  const executablePath = findBrowser()
  if (!has(context, executablePath, 'Chromium')) return
  const pages = http.createServer((req, res) => {
    if (!req.url.endsWith('.mjs')) return res.setHeader('content-type', 'text/html').end('<!doctype html><title>velo</title>')
    res.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(basename(req.url), dist)))
  })
  const site = await running(pages.listen(0, '127.0.0.1'))
  const browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
  try {
    const page = await browser.newPage()
    await page.goto(site.url)
    const read = async (address) => {
      const { subscribe } = await import('/client.browser.mjs')
      const seen = []
      const fetching = async (...given) => {
        const response = await fetch(...given)
        seen.push(response.headers.get('velo-stream'))
        return response
      }
      const headers = { 'content-type': 'application/x-ndjson' }
      const results = []
      for await (const n of subscribe(address, { body: '3\n', headers, fetch: fetching })) results.push(n)
      return { results, seen }
    }
    const { results, seen } = await within(60_000, page.evaluate(read, `${await serving([new URL(site.url).origin])}/fn/count`), 'the page')
    assert.deepEqual(results, [1, 2, 3])
    assert.match(seen[0], /^[\w-]+/)
  } finally {
    await browser.close()
    await site.close()
  }
})

noUnhandledRejections('origins')
