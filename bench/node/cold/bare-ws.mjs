// The same on `ws` alone.
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('connection', (socket) => {
  let total = 0
  socket.on('message', (data) => {
    const { add } = JSON.parse(data)
    socket.send(JSON.stringify({ total: (total += add) }))
  })
})
server.on('listening', () => console.log(server.address().port))
