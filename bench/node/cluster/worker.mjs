// A process beside the bench: hosts sessions, relays entries, is one hop of two, or works on jobs. Ends with its parent.
import { Redis } from 'ioredis'
import { cluster } from '../../../dist/redis.js'
import { moduleOf } from '../../peers/places.mjs'
import { functions } from './functions.mjs'
import { libraries } from './libraries.mjs'

const [role, port, library, options] = [process.argv[2], Number(process.argv[3]), libraries[process.argv[4]], JSON.parse(process.argv[5])]
const client = await library.connect(port)
process.on('disconnect', () => process.exit())

/** Said by name to whoever asks. */
const told = {
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
}

const roles = {
  async host() {
    const own = cluster({ client, functions, ...options })
    await own.work({ capacity: 20_000 })
    told.hosted = () => own.hosted
    told.stop = async () => {
      await own.stop()
      process.exit()
    }
  },
  /** No state: each entry goes on as it came. */
  async relay() {
    const reads = client.duplicate()
    await reads.connect?.().catch(() => {})
    await library.group(client).catch(() => {})
    const relays = async () => {
      for (;;) {
        const entries = await library.take(reads, `${process.pid}`)
        if (entries.length > 0) await library.passOn(client, entries)
      }
    }
    void relays()
  },
  /** Answers each entry with one. */
  async hop() {
    const reads = client.duplicate()
    await reads.connect?.().catch(() => {})
    const hops = async () => {
      for (let last = '0'; ; ) {
        for (const [id, text] of await library.read(reads, 'there', last)) {
          last = id
          await library.add(client, 'back', text)
        }
      }
    }
    void hops()
  },
  async jobs() {
    const { Worker } = await moduleOf('bullmq')
    const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
    const worker = new Worker('sums', async ({ data }) => data.n, { connection, concurrency: 50 })
    await worker.waitUntilReady()
  },
}
await roles[role]()
process.on('message', async (name) => process.send({ [name]: await told[name]() }))
process.send('ready')
