// The client of the benches: a bare socket that writes prepared requests and takes responses apart, so that it costs little and the same for everybody.
import { connect } from 'node:net'

/** The bytes of a POST of these events. */
export function requestOf(events) {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** One connection, one request at a time. */
export class Client {
  #socket
  #text = ''
  #done = () => {}
  #first = () => {}

  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => {
      if (this.#text === '') this.#first()
      this.#text += text
      if (text.endsWith('0\r\n\r\n')) this.#done()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#done())
  }

  /** The body of the response; `first` is called when its first bytes are there. */
  ask(request, first = () => {}) {
    this.#text = ''
    this.#first = first
    return new Promise((resolve) => {
      this.#done = () => resolve(bodyOf(this.#text))
      this.#socket.write(request)
    })
  }

  close() {
    this.#socket.destroy()
  }
}

/** A body in chunks, put together again. */
function bodyOf(text) {
  let at = text.indexOf('\r\n\r\n') + 4
  let body = ''
  for (;;) {
    const end = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, end), 16)
    if (!(length > 0)) return body
    body += text.slice(end + 2, end + 2 + length)
    at = end + 4 + length
  }
}
