// The same on `ws` alone.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { received, toGray } from '../gray.mjs'
import { adopt } from './adopt.mjs'

const server = createServer()
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.once('message', received)
  socket.on('message', (frame) => socket.send(toGray(frame)))
})
adopt(server)
