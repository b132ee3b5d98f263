// The load of the cost model, a process of its own: so many WebSocket streams, each an event every 100 ms, spread over the tenth of a second. Says how many answers were right.
import { once } from 'node:events'
import { WebSocket } from 'ws'

const [port, streams, events, interval] = process.argv.slice(2).map(Number)

const sockets = await Promise.all(
  Array.from({ length: streams }, async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
    const session = { socket, right: 0 }
    socket.on('message', (data) => {
      if (JSON.parse(data).total === session.right + 1) session.right++
    })
    await once(socket, 'open')
    return session
  }),
)
process.send({ open: true })
await once(process, 'message')

const begun = performance.now()
for (let event = 0; event < events; event++) {
  for (const [at, { socket }] of sockets.entries()) {
    const wait = begun + event * interval + (at / streams) * interval - performance.now()
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
    socket.send('{"add":1}')
  }
}
while (sockets.some(({ right }) => right < events) && performance.now() - begun < events * interval + 10_000)
  await once(sockets.find(({ right }) => right < events).socket, 'message')
process.send({ right: sockets.reduce((sum, { right }) => sum + right, 0) })
process.disconnect()
for (const { socket } of sockets) socket.terminate()
