// Clients that wish for another protocol than WebSocket, as those do that prefer HTTP/2 but speak without TLS (Java, curl): a server may go on in
// HTTP/1.1. Before 24.9, Node.js hands every such request over as an upgrade, so it is handed back without the wish.

import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const WISHES = ['upgrade', 'http2-settings']

/** Connections on which it was done: clients wish once, with their first request. */
const known = new WeakSet<Duplex>()

/** Whether `req` asks for the one protocol that is spoken beside HTTP. */
export const wantsWebSocket = (req: IncomingMessage): boolean => req.headers.upgrade?.toLowerCase() === 'websocket'

/** Whether `req` may be read again as a plain request. */
export const mayStay = (req: IncomingMessage, socket: Duplex): boolean => !wantsWebSocket(req) && !known.has(socket)

/** Puts the request back on its socket. `head` is what came behind it; afterwards the socket is one for HTTP again. */
export function putBack(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  known.add(socket)
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = req.rawHeaders.slice(at, at + 2)
    const kept = name.toLowerCase() === 'connection' ? without(value) : value
    if (!WISHES.includes(name.toLowerCase()) && kept !== '') lines.push(`${name}: ${kept}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
}

const without = (connection: string): string =>
  connection
    .split(',')
    .filter((token) => !WISHES.includes(token.trim().toLowerCase()))
    .join(',')
