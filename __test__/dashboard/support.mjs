// A dashboard behind node:http, and streams to look at.

import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { streamFn } from 'velo-stream'
import { dashboard } from 'velo-stream/dashboard'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'

/** Listens on any port: `{ url, port, close(), cut() }`. */
export async function listening(server) {
  if (!server.listening) await within(30_000, once(server, 'listening'), 'the server listens')
  const { port } = server.address()
  const close = leftover(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections?.()
    await within(30_000, closed, 'the server closes')
  })
  return { url: `http://127.0.0.1:${port}`, port, close, cut: () => server.closeAllConnections() }
}

export function served(options) {
  const answer = dashboard(options)
  return listening(createServer((req, res) => answer(req, res)).listen(0, '127.0.0.1'))
}

/** One request to its end: `{ status, headers, text }`. */
export function ask(url, { method = 'GET', headers = {} } = {}) {
  const answered = new Promise((resolve, reject) => {
    const req = request(url, { method, headers, agent: false }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }))
    })
    req.on('error', reject)
    req.end()
  })
  return within(30_000, answered, `${method} ${url}`)
}

/** Status and code of a refusal. */
export async function codeOf(url, options) {
  const { status, text } = await ask(url, options)
  return [status, text.startsWith('{') ? JSON.parse(text).error?.code : undefined]
}

/** Opens the feed of a dashboard; resolves with the response when its first event has begun. */
export async function opened(base, query = 'limit=1') {
  const req = request(`${base}/feed?${query}`, { agent: false }).end()
  leftover(() => req.destroy())
  const [res] = await within(30_000, once(req, 'response'), 'the feed answers')
  const [first] = await within(30_000, once(res.setEncoding('utf8'), 'data'), 'the first picture')
  return { req, res, first }
}

/** Gives back what it gets, and waits for more without end. */
export const echo = streamFn(
  async function* echo(events) {
    yield* events
  },
  { idleTimeout: 0 },
)

/** Opens streams that wait; they are closed when the file is over. */
export function waiting(count, name = 'one') {
  const streams = Array.from({ length: count }, (_, n) => echo.open({ id: `${name}-${n}` }))
  for (const stream of streams) leftover(() => stream.close())
  return streams
}
