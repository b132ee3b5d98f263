// The state in Redis, got and set again for each event.
import { Redis } from 'ioredis'
import { serve } from './serve.mjs'

const redis = new Redis({ port: Number(process.argv[2]), host: '127.0.0.1' })
await redis.ping()

serve(async (event) => {
  const sum = Number((await redis.get('sum')) ?? 0) + event
  await redis.set('sum', String(sum))
  return sum
})
