// The contestants: the same echo with state as a stream function, and as people write it with `ws` alone.
import { once } from 'node:events'
import { WebSocketServer } from 'ws'
import { streamFn } from '../../../dist/index.js'
import { serveSocket } from '../../../dist/websocket.js'

const totals = streamFn(async function* totals(events) {
  let total = 0
  let count = 0
  for await (const { add } of events) yield { total: (total += add), count: ++count }
})

/** One connection, one stream. */
function ours(socket, request) {
  serveSocket(socket, totals, { request })
}

/** The same, where the client may come back. */
function resumable(socket, request) {
  serveSocket(socket, totals, { request, onDisconnect: { graceMs: 1 } })
}

/** No backpressure, no liveness, no cancellation, and a malformed message ends the process. */
function bare(socket) {
  let total = 0
  let count = 0
  socket.on('message', (data) => {
    const { add } = JSON.parse(data)
    socket.send(JSON.stringify({ total: (total += add), count: ++count }))
  })
}

/** The same by somebody who knows that the answers of one turn may leave in one write. */
function corked(socket, { socket: wire }) {
  let total = 0
  let count = 0
  let isCorked = false
  const uncork = () => {
    isCorked = false
    wire.uncork()
  }
  socket.on('message', (data) => {
    const { add } = JSON.parse(data)
    if (!isCorked) {
      isCorked = true
      wire.cork()
      process.nextTick(uncork)
    }
    socket.send(JSON.stringify({ total: (total += add), count: ++count }))
  })
}

/** Starts the servers; `ports` by name. */
export async function startServers(names) {
  const kinds = { 'velo-stream': ours, 'velo-stream, resumable': resumable, 'bare ws': bare, 'bare ws, corked': corked }
  const servers = []
  const ports = {}
  for (const name of names) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', kinds[name])
    await once(server, 'listening')
    servers.push(server)
    ports[name] = server.address().port
  }
  return { ports, stop: () => servers.map((server) => server.close()) }
}
