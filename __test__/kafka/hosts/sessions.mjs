// A process that works on sessions until it is told to stop, or killed. Arguments: the address of the broker, and options of kafkaSessions as JSON.

import { kafkaSessions } from 'velo-stream/kafka'
import { chain } from '../../nats/hosts/function.mjs'
import { clientOf } from '../../support/kafka-servers.mjs'

const [address, options] = process.argv.slice(2)
const sessions = kafkaSessions(clientOf({ address }), { fn: chain, ...JSON.parse(options) })
process.on('disconnect', () => process.exit())
process.on('message', async (what) => {
  if (what === 'metrics') process.send(sessions.metrics)
  if (what !== 'stop') return
  await sessions.stop()
  process.disconnect()
})
await sessions.work()
process.send('ready')
