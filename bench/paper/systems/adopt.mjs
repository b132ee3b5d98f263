// How a server gets its connections: it listens by itself and says its port, or is handed those that another process accepted before it was started.

export function adopt(server) {
  // Whoever started it is gone.
  process.on('disconnect', () => process.exit())
  if (process.argv[2] === 'cold') process.on('message', (_, socket) => hand(server, socket))
  else server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
}

function hand(server, socket) {
  // It was gone before it was handed over.
  if (socket === undefined) return
  server.emit('connection', socket)
  socket.resume()
}
