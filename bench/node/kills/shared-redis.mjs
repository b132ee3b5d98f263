// A session that processes share through Redis: this one opens it, and hosts it if nobody else does.
import { Redis } from 'ioredis'
import { streamFn } from '../../../dist/index.js'
import { cluster } from '../../../dist/redis.js'
import { serve } from './serve.mjs'

const client = new Redis({ port: Number(process.argv[2]), host: '127.0.0.1' })
const sums = streamFn(
  async function* sums(events) {
    let sum = 0
    for await (const amount of events) yield (sum += amount)
  },
  { name: 'sums' },
)
const own = cluster({ client, functions: { sums } })
await own.work()
const stream = await own.open('sums', 'session')

serve(async (event) => {
  await stream.send(event)
  const sum = await stream.recv()
  await stream.ack()
  return sum
})
