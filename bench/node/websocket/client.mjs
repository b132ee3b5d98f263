// A client that costs next to nothing, on a thread of its own: frames made beforehand, answers counted and not parsed, but for the last one.
import { connect } from 'node:net'
import { parentPort } from 'node:worker_threads'

const MASK = Buffer.alloc(4)
const made = new Map()

/** All frames of one connection in one piece. A mask of zeros leaves the text as it is. */
function framesOf(count) {
  if (!made.has(count)) made.set(count, Buffer.concat(Array.from({ length: count }, (_, i) => frame(JSON.stringify({ add: i % 1000 })))))
  return made.get(count)
}

function frame(text) {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), MASK, bytes])
}

/** Counts the frames of a stream of bytes, which none of them is as long as 126; `last` is the text of the last. */
class Counter {
  count = 0
  last = ''
  #rest = Buffer.alloc(0)

  push(chunk) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    let before = 0
    while (at + 2 <= bytes.length && at + 2 + bytes[at + 1] <= bytes.length) {
      before = at
      at += 2 + bytes[at + 1]
      this.count++
    }
    if (at > 0) this.last = bytes.toString('utf8', before + 2, at)
    this.#rest = bytes.subarray(at)
  }
}

/** Sends `count` messages, `window` at a time under way (0 = as many as go), and answers the last result. */
function converse(port, count, window) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const counter = new Counter()
    const frames = framesOf(count)
    const size = window === 0 ? frames.length : 0
    let at = 0
    let sent = 0
    const send = () => {
      if (size > 0) return socket.write(frames)
      let end = at
      while (sent < count && sent < counter.count + window) {
        end += 6 + (frames[end + 1] & 0x7f)
        sent++
      }
      if (end > at) socket.write(frames.subarray(at, end))
      at = end
    }
    socket.setNoDelay(true)
    socket.on('error', reject)
    socket.write(
      'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    socket.once('data', () => {
      socket.on('data', (chunk) => {
        counter.push(chunk)
        if (counter.count < count) return window > 0 ? send() : undefined
        socket.destroy()
        resolve(counter.last)
      })
      send()
    })
  })
}

parentPort.on('message', async ({ port, connections, count, window }) => {
  const answers = await Promise.all(Array.from({ length: connections }, () => converse(port, count, window)))
  parentPort.postMessage(answers)
})
