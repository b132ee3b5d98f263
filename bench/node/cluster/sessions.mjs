// Sessions of the benches: a server with processes beside, and events through all of them at once.
import { cluster } from '../../../dist/redis.js'
import { functions } from './functions.mjs'
import { libraries } from './libraries.mjs'
import { started } from './processes.mjs'
import { withServer } from './server.mjs'

export const SESSIONS = 20
const LOT = 64
export const events = (count) => Array.from({ length: count }, (_, n) => ({ n }))
const all = (count, work) => Promise.all(Array.from({ length: count }, (_, at) => work(at)))
let made = 0

/** Runs `work` with a client and a server of its own; what it opened is closed behind it. `options.client`: of which library. */
export function prepared({ client: name }, work) {
  return withServer(async (port) => {
    const library = libraries[name]
    const client = await library.connect(port)
    const open = []
    try {
      return await work({
        port,
        client,
        library,
        /** A connection more. */
        async another() {
          const one = await library.connect(port)
          open.push(() => library.close(one))
          return one
        },
        async beside(role, options) {
          const one = await started(role, port, name, options)
          open.push(() => one.kill())
          return one
        },
        front(options) {
          const one = cluster({ client, functions, ...options })
          open.push(() => one.stop())
          return one
        },
      })
    } finally {
      for (const close of open.reverse()) await close()
      library.close(client)
    }
  })
}

async function read(stream, count) {
  let last
  for (let seen = 0; seen < count; ) {
    const results = await stream.recvBatch(count - seen)
    seen += results.length
    last = results.at(-1)
  }
  return last
}

/** Every session is sent its events, 64 at a time, while its results are read. Answers the sum of the last ones. */
export async function sums(front, name, values) {
  const turn = made++
  const last = await all(SESSIONS, async (at) => {
    const stream = await front.open(name, `${turn}-${at}`)
    const reading = read(stream, values.length)
    for (let from = 0; from < values.length; from += LOT) await stream.sendBatch(values.slice(from, from + LOT))
    const total = await reading
    stream.end()
    await stream.closed
    return total
  })
  return last.reduce((sum, one) => sum + one, 0)
}
