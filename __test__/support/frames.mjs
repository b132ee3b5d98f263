// Frames of HTTP/2 by hand, for what no client of Node.js sends.

import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { leftover } from './leftovers.mjs'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export const DATA = 0
export const HEADERS = 1
export const SETTINGS = 4
/** Flags. */
export const END_STREAM = 1
export const END_HEADERS = 4
export const PADDED = 8

/** One frame. `length`: what it says of itself, which may be a lie. */
export function frame(type, flags, stream, payload = Buffer.alloc(0), length = payload.length) {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])

/** The head of a POST, without compression. */
export function postHead(stream, path, more = {}) {
  const fields = Object.entries({ 'content-type': 'application/x-ndjson', ...more })
  const block = [
    Buffer.from([0x83, 0x86, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text('localhost'),
    ...fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  ]
  return frame(HEADERS, END_HEADERS, stream, Buffer.concat(block))
}

/** A connection that has said that it speaks HTTP/2; over TLS with the certificate `ca`. */
export async function wire(port, ca) {
  const socket =
    ca === undefined
      ? connect({ port, host: '127.0.0.1' })
      : connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost', ALPNProtocols: ['h2'] })
  socket.on('error', () => {})
  socket.on(
    'close',
    leftover(() => socket.destroy()),
  )
  await new Promise((resolve, reject) => socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve).once('error', reject))
  socket.resume()
  socket.write(PREFACE)
  socket.write(frame(SETTINGS, 0, 0))
  return socket
}
