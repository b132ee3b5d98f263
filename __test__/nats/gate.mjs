// A way to a server on which what a client sends can be held back from a message on: the client stands in the middle of what it does, and the server waits for the rest.

import { once } from 'node:events'
import net from 'node:net'
import { leftover } from '../support/leftovers.mjs'

export async function gate(url) {
  const { port } = new URL(url)
  const sockets = new Set()
  /** What the next message that is held has in it, and who waits for that. */
  let awaited
  let held
  let to
  const pass = (chunk) => {
    if (held !== undefined) return held.push(chunk)
    const at = awaited === undefined ? -1 : chunk.indexOf(awaited.text)
    if (at < 0) return to.write(chunk)
    const from = Math.max(0, chunk.lastIndexOf('PUB ', at) - 1)
    to.write(chunk.subarray(0, from))
    held = [chunk.subarray(from)]
    awaited.resolve()
    awaited = undefined
  }
  const server = net.createServer((socket) => {
    to = net.connect(Number(port), '127.0.0.1')
    for (const [one, other] of [
      [socket, to],
      [to, socket],
    ]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
    socket.on('data', pass)
    to.on('data', (chunk) => socket.write(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  leftover(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `nats://127.0.0.1:${server.address().port}`,
    /** Resolves when a message with this text was about to be sent: neither it nor anything after it goes on until `release()`. */
    hold: (text) => new Promise((resolve) => void (awaited = { text, resolve })),
    release() {
      const chunks = held ?? []
      held = undefined
      for (const chunk of chunks) to.write(chunk)
    },
  }
}
