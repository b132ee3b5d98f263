// A process beside the bench: hosts sessions, relays entries, is one hop of two, or works on jobs. Ends with its parent.
import { Redis } from 'ioredis'
import { cluster } from '../../../dist/redis.js'
import { functions } from './functions.mjs'

const [role, port, options] = [process.argv[2], Number(process.argv[3]), JSON.parse(process.argv[4])]
const client = new Redis(port, '127.0.0.1')
process.on('disconnect', () => process.exit())

const roles = {
  async host() {
    const own = cluster({ client, functions, ...options })
    await own.work({ capacity: 20_000 })
    process.on('message', async (message) => {
      if (message !== 'stop') return void process.send({ hosted: own.hosted })
      await own.stop()
      process.exit()
    })
  },
  /** No state: each entry goes on as it came. */
  async relay() {
    const reads = client.duplicate()
    await client.xgroup('CREATE', 'in', 'g', '$', 'MKSTREAM').catch(() => {})
    const relays = async () => {
      for (;;) {
        const answer = await reads.xreadgroup('GROUP', 'g', `${process.pid}`, 'COUNT', 64, 'BLOCK', 1000, 'STREAMS', 'in', '>')
        if (answer === null) continue
        const [[, entries]] = answer
        const pipeline = client.pipeline()
        for (const [, fields] of entries) pipeline.xadd('out', '*', 'data', JSON.stringify(JSON.parse(fields[1])))
        pipeline.xack('in', 'g', ...entries.map(([id]) => id))
        await pipeline.exec()
      }
    }
    void relays()
  },
  /** Answers each entry with one. */
  async hop() {
    const reads = client.duplicate()
    const hops = async () => {
      for (let last = '$'; ; ) {
        const answer = await reads.xread('BLOCK', 1000, 'STREAMS', 'there', last === '$' ? '0' : last)
        if (answer === null) continue
        for (const [id, fields] of answer[0][1]) {
          last = id
          await client.xadd('back', '*', ...fields)
        }
      }
    }
    void hops()
  },
  async jobs() {
    const { Worker } = await import(options.bullmq)
    const worker = new Worker('sums', async ({ data }) => data.n, { connection: { host: '127.0.0.1', port }, concurrency: 50 })
    await worker.waitUntilReady()
  },
}
await roles[role]()
process.send('ready')
