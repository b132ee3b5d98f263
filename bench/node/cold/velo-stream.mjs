// A WebSocket server whose connections are streams; says its port when it listens.
import { WebSocketServer } from 'ws'
import { streamFn } from '../../../dist/index.mjs'
import { serveSocket } from '../../../dist/websocket.mjs'

const totals = streamFn(async function* totals(events) {
  let total = 0
  for await (const { add } of events) yield { total: (total += add) }
})

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('connection', (socket, request) => serveSocket(socket, totals, { request }))
server.on('listening', () => console.log(server.address().port))
