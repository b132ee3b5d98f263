// A process that works on sessions until it is told to stop, or killed. Arguments: servers, with commas, and options of natsSessions as JSON.

import { connect } from '@nats-io/transport-node'
import { natsSessions } from 'velo-stream/nats'
import { chain } from './function.mjs'

const [url, options] = process.argv.slice(2)
const client = await connect({ servers: url.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 0 })
const sessions = natsSessions(client, { fn: chain, ...JSON.parse(options) })
process.on('disconnect', () => process.exit())
process.on('message', async (what) => {
  if (what === 'metrics') process.send(sessions.metrics)
  if (what !== 'stop') return
  await sessions.stop()
  await client.close()
  process.disconnect()
})
await sessions.work()
process.send('ready')
