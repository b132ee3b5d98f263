// A server in a process of its own that says what it has resident: `crowd-server.mjs <handler or websocket> <maxBufferedBytes>`.

import { once } from 'node:events'
import http from 'node:http'
import { runtime, streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'
import { createServer } from 'velo-stream/server'
import { answers } from '../../support/answers.mjs'
import { turns, until } from '../../support/deferred.mjs'

const [kind, bound] = process.argv.slice(2)
const maxBufferedBytes = Number(bound)
// That of the process is not what is measured: it would refuse a large crowd.
runtime.configure({ maxBufferedBytes: Number.MAX_SAFE_INTEGER })

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})

const makers = {
  async handler() {
    const server = http.createServer(handler(echo, { maxBufferedBytes, maxStall: 0 })).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server.address().port
  },
  async websocket() {
    // Nobody is cut off: a client that never reads answers no ping either.
    const websocket = { maxMessage: 2 << 20, maxBufferedBytes, heartbeat: 0, maxStall: 0 }
    const server = createServer({ functions: { echo }, grace: 0, maxPerClient: 1_000, websocket })
    return (await server.listen()).port
  },
}

const port = await makers[kind]()
answers({
  port: () => port,

  /** So many streams have taken so many events at least, and then nothing moves any more: each waits for its client. */
  async full(streams, events) {
    let [last, still] = [-1, 0]
    const isStill = () => {
      const { eventsIn, streamsOpen } = runtime.snapshot()
      still = eventsIn === last && streamsOpen === streams && eventsIn >= events ? still + 1 : 0
      last = eventsIn
      return still > 20_000
    }
    await until(190_000, isStill, 'the end of what is taken')
    return last
  },

  /** Resident memory that holds, after a collection, bytes. */
  async resident() {
    for (let i = 0; i < 3; i++) {
      await turns(10)
      globalThis.gc()
    }
    return process.memoryUsage.rss()
  },
})
