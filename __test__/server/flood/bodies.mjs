// What an attacker sends: events of 1 MiB that take much more memory when they are parsed, and how they become the bytes of one connection.

const MIB = 1 << 20

/** Values of which an event is full. */
export const values = {
  'empty objects': () => '{}',
  'empty arrays': () => '[]',
  'nested arrays': () => `${'['.repeat(500)}${']'.repeat(500)}`,
  'small objects': () => '{"a":1}',
  'objects of many shapes': (i) => `{"${i.toString(36)}":1}`,
  'objects with an index': () => '{"499":0}',
  'short strings': (i) => `"${i.toString(36)}"`,
  numbers: () => '1',
}

/** Values of nearly 1 MiB together. */
function valuesOf(value) {
  const made = []
  for (let [i, length] = [0, 2]; length < MIB - 1100; i++) {
    made.push(value(i))
    length += made.at(-1).length + 1
  }
  return made
}

const eventOf = (value) => `[${valuesOf(value).join(',')}]`

const head = (type, more = '') =>
  `POST /fn/busy HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${100 * MIB}\r\n${more}\r\n`

/** By form of the request: the head of a connection, what comes first, and what comes again and again. */
export const handshake = (path) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`

export const forms = {
  ndjson: (value) => ({ head: head('application/x-ndjson'), first: '', again: `${eventOf(value)}\n` }),
  json: (value) => ({ head: head('application/json'), first: '[', again: `${eventOf(value)},` }),
  websocket: (value) => ({
    head: handshake('/fn/busy'),
    first: '',
    again: frame(eventOf(value)),
  }),
  'small events': (value) => ({
    head: head('application/x-ndjson'),
    first: '',
    again: `${valuesOf(value).join('\n')}\n`,
  }),
  sse: () => ({ head: head('text/event-stream'), first: `id: ${'x'.repeat(1000)}\n`, again: 'data:\n\n'.repeat(100_000) }),
  multipart: () => ({
    head: head('multipart/form-data; boundary=b'),
    first: '',
    again: '--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n'.repeat(50),
  }),
}

/** A masked text frame, whose mask is zero. */
function frame(text) {
  const head = Buffer.alloc(14)
  head[0] = 0x81
  head[1] = 0xff
  head.writeBigUInt64BE(BigInt(text.length), 2)
  return head.toString('latin1') + text
}
