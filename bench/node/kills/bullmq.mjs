// A job of BullMQ an event, its value awaited; the state in Redis, got and set by the job.
import { Redis } from 'ioredis'
import { moduleOf } from '../../peers/places.mjs'
import { serve } from './serve.mjs'

const { Queue, QueueEvents, Worker } = await moduleOf('bullmq')
const redis = new Redis({ host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null })
const connection = redis
const queue = new Queue('sums', { connection })
const heard = new QueueEvents('sums', { connection })
const worker = new Worker(
  'sums',
  async ({ data }) => {
    const sum = Number((await redis.get('sum')) ?? 0) + data.amount
    await redis.set('sum', String(sum))
    return sum
  },
  { connection },
)
await Promise.all([heard.waitUntilReady(), worker.waitUntilReady()])

serve(async (amount) => {
  const job = await queue.add('add', { amount }, { removeOnComplete: 1_000 })
  return job.waitUntilFinished(heard)
})
