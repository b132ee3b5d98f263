// A session of a key that processes share through NATS JetStream: this one asks, and hosts its partition if nobody else does.
import { connect } from '@nats-io/transport-node'
import { streamFn } from '../../../dist/index.js'
import { natsSessions } from '../../../dist/nats.js'
import { serve } from './serve.mjs'

const [, , port, name] = process.argv
const client = await connect({ servers: `127.0.0.1:${port}` })
const sums = streamFn(
  async function* sums(events, ctx) {
    for await (const amount of events) yield (ctx.state.sum += amount)
  },
  { name: 'sums', state: { initial: () => ({ sum: 0 }), version: 1 } },
)
const sessions = natsSessions(client, { stream: name, fn: sums, partitions: 1 })
await sessions.work()

serve(async (event) => (await sessions.ask('session', event, { timeout: 60_000 }))[0])
