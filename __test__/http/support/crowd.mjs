// Clients in a process of their own that send what they can and read nothing: `crowd.mjs <handler or websocket> <port> <clients> <messages of 1 MiB>`.
// What they cannot send waits here.

import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { answers } from '../../support/answers.mjs'

const [kind, port, clients, messages] = process.argv.slice(2)
const MIB = 1 << 20
const text = `"${'y'.repeat(MIB - 3)}"\n`

const makers = {
  async handler() {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    socket.pause()
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(
      `POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${Number(messages) * MIB + 1}\r\n\r\n`,
    )
    const line = Buffer.from(text)
    for (let i = 0; i < messages; i++) socket.write(line)
  },
  async websocket() {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/fn/echo`).on('error', () => {})
    await new Promise((resolve) => socket.once('open', resolve))
    socket.pause()
    // The next one when the one before is with the system: each is masked, so each is a copy.
    let left = messages
    const send = () => left-- > 0 && socket.send(text, send)
    send()
  },
}

answers({})
for (let i = 0; i < clients; i++) await makers[kind]()
