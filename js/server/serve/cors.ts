// CORS: which pages of other origins may call, and what their browsers are told. Who may ask at all is said in origins.ts.

import type { IncomingMessage, ServerResponse } from 'node:http'

/** Origins, or all of them. */
export type Cors = readonly string[] | '*'

/** What pages may read of an answer: all of it, and by name what a client of streams needs, because not every browser knows the star. */
const EXPOSED = '*, velo-stream, retry-after'

/** How long a browser may remember the answer to a preflight, s. */
const REMEMBERED = 600

/** Whether pages of `origin` may call. */
export function isAllowed(cors: Cors | undefined, origin: string): boolean {
  return cors === '*' || cors?.includes(origin) === true
}

/** Puts its headers on the answer. True where that was all that was asked: a preflight is answered. */
export function answersCors(cors: Cors, req: IncomingMessage, res: ServerResponse): boolean {
  const { origin } = req.headers
  if (cors !== '*') res.setHeader('vary', 'origin')
  if (origin === undefined || !isAllowed(cors, origin)) return false
  res.setHeader('access-control-allow-origin', cors === '*' ? '*' : origin)
  const { 'access-control-request-method': method, 'access-control-request-headers': headers } = req.headers
  if (req.method !== 'OPTIONS' || method === undefined) {
    res.setHeader('access-control-expose-headers', EXPOSED)
    return false
  }
  res.setHeader('access-control-allow-methods', 'GET, HEAD, POST')
  if (headers !== undefined) res.setHeader('access-control-allow-headers', headers)
  res.setHeader('access-control-max-age', REMEMBERED)
  res.writeHead(204).end()
  return true
}
