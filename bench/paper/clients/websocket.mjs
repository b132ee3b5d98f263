// One connection a stream, one binary message a frame. What is sent before the connection is open waits.
import { once } from 'node:events'
import { WebSocket } from 'ws'

export function open(port, onResult, fail) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  const opened = once(socket, 'open')
  let isOpen = false
  opened.then(() => (isOpen = true), fail)
  socket.on('message', onResult)
  socket.on('error', fail)
  return {
    send: (frame) => (isOpen ? socket.send(frame) : opened.then(() => socket.send(frame))),
    end() {},
    async close() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
