// A server alone in its process: it says what its CPU time was, so that neither the client nor the other contestant counts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { listeners } from './listeners.mjs'

const listener = await listeners[process.argv[2]]()
const server = createServer(listener).listen(0, '127.0.0.1')
await once(server, 'listening')
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send(user + system)
})
process.on('disconnect', () => process.exit())
process.send(server.address().port)
