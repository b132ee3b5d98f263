// Short answers of the server itself, as JSON; to requests and, where there is no response object yet, to upgrades.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { constants, type Http2ServerRequest } from 'node:http2'
import type { Duplex } from 'node:stream'

/** How long a client may go on sending the body of a request that was refused, ms. */
const LINGER_MS = 1000

/** A refusal: the status, a stable name, a sentence. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

const bodyOf = ({ code, message }: Refusal) => `${JSON.stringify({ error: { code, message } })}\n`

/** Answers a request that gets no stream. Its body is not waited for; a client that still sends after a while is cut off. */
export function refuse(req: IncomingMessage, res: ServerResponse, refusal: Refusal): void {
  send(req, res, refusal.status, 'application/json', bodyOf(refusal), refusal.headers)
}

/** Answers at once with a short text. */
export function send(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || isGone(res)) return
  // The answer to HEAD has the length of a body that is not sent.
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers })
  res.end(req.method === 'HEAD' ? undefined : body)
  if (req.complete) return
  req.resume()
  const cut = setTimeout(() => cutOff(req), LINGER_MS)
  cut.unref()
  const done = () => clearTimeout(cut)
  req.once('end', done)
  req.once('close', done)
}

/** Whether the client of `res` is gone. A response of HTTP/2 does not say so itself. */
export function isGone(res: ServerResponse): boolean {
  const { stream } = res as { stream?: { destroyed: boolean; closed: boolean } }
  return res.destroyed || stream?.destroyed === true || stream?.closed === true
}

/** Ends a request from this side: its connection, or over HTTP/2 its stream alone. */
export function cutOff(req: IncomingMessage): void {
  if (req.httpVersionMajor === 1) req.destroy()
  else (req as unknown as Http2ServerRequest).stream.close(constants.NGHTTP2_CANCEL)
}

/** Refuses an upgrade: a plain answer on the bare socket, which is closed then. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  if (!socket.writable) return void socket.destroy()
  const body = bodyOf(refusal)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), connection: 'close', ...refusal.headers }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}
