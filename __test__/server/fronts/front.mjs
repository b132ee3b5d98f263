// A process that serves the sessions of a cluster and hosts some, until it is told to stop, or is killed. Its arguments: the URL of the Redis server, the prefix.

import { Redis } from 'ioredis'
import { cluster } from 'velo-stream/redis'
import { createServer } from 'velo-stream/server'
import { functions } from './functions.mjs'

const [url, prefix] = process.argv.slice(2)
const client = new Redis(url, { maxRetriesPerRequest: null })
client.on('error', () => {})
const own = cluster({ client, functions, prefix })
const authorize = ({ headers }) => headers['x-user'] ?? 'anybody'
const server = createServer({ cluster: own, authorize, websocket: { endMessage: 'end', resumeBuffer: 64 }, grace: 5000 })
await own.work({ capacity: 100 })
const { port } = await server.listen()
process.send(port)
process.on('message', async () => {
  await server.close()
  await own.stop()
  client.disconnect()
  process.disconnect()
})
process.on('disconnect', () => process.exit())
