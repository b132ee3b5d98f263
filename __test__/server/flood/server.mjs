// A server with default limits in a process of its own, one of whose functions takes no event: `server.mjs <the form of its requests>`.

import { runtime, streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { answers } from '../../support/answers.mjs'
import { deferred, turns, until } from '../../support/deferred.mjs'

let gate = deferred()
const busy = streamFn(async function* busy() {
  await gate.promise
})
const echo = streamFn(async function* echo(events) {
  yield* events
})
const server = createServer({ functions: { busy: { fn: busy, http: { in: process.argv[2] } }, echo } })
const { port } = await server.listen()

answers({
  port: () => port,

  memory: () => process.memoryUsage.rss(),

  /** Resolves with what waits when N streams are open and nothing moves any more. */
  async still(streams) {
    let [last, turnsSince] = ['', 0]
    const isStill = () => {
      const { eventsIn, streamsOpen, bytesBuffered } = runtime.snapshot()
      const now = `${eventsIn} ${bytesBuffered}`
      turnsSince = now === last && (streams === undefined || streamsOpen === streams) ? turnsSince + 1 : 0
      last = now
      return turnsSince > 5000
    }
    await until(100_000, isStill, 'the end of what is taken')
    return runtime.snapshot().bytesBuffered
  },

  /** The function returns. Resolves with what waits when all connections are closed. */
  async release() {
    gate.resolve()
    gate = deferred()
    let numbers = ''
    while (!numbers.includes('\nvelo_server_streams 0')) numbers = await (await fetch(`${server.url}/metrics`)).text()
    await turns(4)
    return runtime.snapshot().bytesBuffered
  },
})
