// The answer of a language model as orders on a web page, each the moment it is complete: tokens in, JSON values out, server-sent events to the browser.
// The same stream function in Express, Fastify and Hono. A browser that goes away ends the stream, and with it the request to the model.
//
// Run it as `node examples/llm-sse.mjs --serve` and open the pages.
//
// expect: express: a page, then, end
// expect: fastify: a page, then, end
// expect: hono: a page, then, end

import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import express from 'express'
import createFastify from 'fastify'
import { Hono } from 'hono'
import velo from 'velo-stream/fastify'
import { handler, toResponse } from 'velo-stream/http'
import { jsonValues, tokens } from './support/json-values.mjs'
import { lines } from './support/lines.mjs'

const page = readFileSync(new URL('support/orders-page.html', import.meta.url), 'utf8')

/** Asks the model; here it is a recording. With a real one: `tokens((await fetch(url, { ... })).body)`. */
const ask = () => tokens(createReadStream(new URL('data/answer.sse', import.meta.url)))

const options = { events: ask, out: 'sse', event: () => 'order', end: 'end' }

async function inExpress() {
  const app = express()
  app.get('/', (_req, res) => res.type('html').send(page))
  app.get('/answer', handler(jsonValues, options))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function inFastify() {
  const app = createFastify({ forceCloseConnections: true })
  await app.register(velo)
  app.get('/', (_request, reply) => reply.type('text/html').send(page))
  app.get('/answer', app.velo(jsonValues, options))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server
}

async function inHono() {
  const app = new Hono()
  app.get('/', (c) => c.html(page))
  app.get('/answer', (c) => toResponse(jsonValues, c.req.raw, options))
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  if (!server.listening) await once(server, 'listening')
  return server
}

/** What a browser does with the page: reads the events until the last one. */
async function visit(url) {
  const html = await (await fetch(url)).text()
  const seen = [html.includes("new EventSource('answer')") ? 'a page' : 'no page']
  let name = ''
  for await (const line of lines((await fetch(new URL('answer', url))).body)) {
    if (line.startsWith('event: ')) name = line.slice(7)
    if (line.startsWith('data:') && name === 'order') seen.push(JSON.parse(line.slice(5)).order)
    if (line === '' && name === 'end') seen.push('end')
    if (line === '') name = ''
  }
  return `${seen[0]}, then ${seen.slice(1).join(', ')}`
}

for (const [name, start] of Object.entries({ express: inExpress, fastify: inFastify, hono: inHono })) {
  const server = await start()
  const url = `http://127.0.0.1:${server.address().port}/`
  if (process.argv.includes('--serve')) {
    console.log(`${name}: ${url}`)
    continue
  }
  console.log(`${name}: ${await visit(url)}`)
  server.closeAllConnections()
  server.close()
}
