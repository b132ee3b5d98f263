// The peer that people know: a job an event.
import { Redis } from 'ioredis'
import { missing, moduleOf } from '../../peers/places.mjs'
import { contest } from '../harness.mjs'
import { events, prepared, SESSIONS, sums } from './sessions.mjs'

export async function bullmq(options) {
  const title = 'beside BullMQ: a job an event, its value awaited'
  const module = await moduleOf('bullmq')
  if (module === undefined) return { title, rows: [], note: missing('bullmq') }
  return prepared(options, async ({ port, beside, front }) => {
    const { Queue, QueueEvents } = module
    const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
    const queue = new Queue('sums', { connection })
    const heard = new QueueEvents('sums', { connection })
    await heard.waitUntilReady()
    const values = events(options.quick ? 8 : 256).map(() => ({ n: 1 }))
    for (let i = 0; i < 2; i++) {
      await beside('jobs')
      await beside('host')
    }
    const one = front()
    const jobs = async () => {
      let [sum, count] = [0, SESSIONS * values.length]
      const done = new Promise((resolve) => {
        heard.on('completed', ({ returnvalue }) => {
          sum += Number(returnvalue)
          if (--count === 0) resolve()
        })
      })
      for (let at = 0; at < SESSIONS; at++)
        await queue.addBulk(values.map((data) => ({ name: 'sum', data, opts: { removeOnComplete: true } })))
      await done
      heard.removeAllListeners('completed')
      return sum
    }
    const group = await contest({
      title,
      events: SESSIONS * values.length,
      expected: SESSIONS * values.length,
      contestants: { sessions: () => sums(one, 'sum', values), 'BullMQ, concurrency 50': jobs },
      claims: [{ of: 'sessions', peer: 'BullMQ, concurrency 50', bar: 5 }],
      options: { ...options, warmup: Math.min(options.warmup, 1), rounds: Math.min(options.rounds, 5) },
    })
    await heard.close()
    await queue.close()
    connection.disconnect()
    return group
  })
}
