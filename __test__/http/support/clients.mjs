// Clients as they are met: fetch, and bare sockets that can do what no library lets one do.

import net from 'node:net'
import { leftover } from '../../support/leftovers.mjs'
import { within } from '../../support/within.mjs'

/** Posts a body with fetch; `type` is its Content-Type. */
export function post(url, body, { type = 'application/x-ndjson', headers, ...init } = {}) {
  return within(
    10_000,
    fetch(url, { method: 'POST', body, headers: { 'content-type': type, ...headers }, duplex: 'half', ...init }),
    'the response',
  )
}

/** The values of a response of NDJSON. */
export async function values(response) {
  return parse(await within(20_000, response.text(), 'the body'))
}

export const parse = (text) => {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

export const lines = (events) => events.map((event) => `${JSON.stringify(event)}\n`).join('')

/** A connection that a test writes by hand. `text` is what came so far; `until(pattern)` waits for it. */
export class Wire {
  text = ''
  #wake = () => {}

  constructor(port) {
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.socket.setNoDelay(true)
    this.connected = new Promise((resolve) => this.socket.on('connect', resolve))
    this.closed = new Promise((resolve) => this.socket.on('close', resolve))
    /** The server says nothing more, in order or not. */
    this.over = new Promise((resolve) => this.socket.on('end', resolve).on('close', resolve))
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1')
      this.#wake()
    })
    this.socket.on('close', () => this.#wake())
    this.socket.on(
      'close',
      leftover(() => void this.socket.destroy()),
    )
  }

  write(text) {
    this.socket.write(text)
    return this
  }

  /** The head of a POST, with its body in chunks unless `length` says how long it is. */
  head({ path = '/', type = 'application/x-ndjson', length, headers = '' } = {}) {
    const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
    return this.write(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\n${framing}\r\n${headers}\r\n`)
  }

  chunk(text) {
    return this.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
  }

  last() {
    return this.write('0\r\n\r\n')
  }

  async until(pattern, ms = 10_000) {
    const wait = (async () => {
      while (!pattern.test(this.text)) {
        if (this.socket.destroyed) throw new Error(`the connection ended before ${pattern} came: ${this.text}`)
        await new Promise((resolve) => {
          this.#wake = resolve
        })
      }
    })()
    await within(ms, wait, `${pattern} on the wire`)
    return this
  }
}
