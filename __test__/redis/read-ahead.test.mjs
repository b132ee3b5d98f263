// What one consumer reads ahead, and what becomes of it when it stops.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { publish, redisSink, redisSource } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { clients, command, consuming, eventually, pendingOf, valuesOf } from './support.mjs'

const [ioredis] = clients
const range = (count) => Array.from({ length: count }, (_, i) => i)

/** A function that stays at its first event until `go()`, and has `seen` those that it got. */
function held() {
  const own = { seen: [], go: undefined }
  const gate = new Promise((resolve) => {
    own.go = resolve
  })
  own.fn = streamFn(async function* slow(events) {
    for await (const event of events) {
      own.seen.push(event)
      await gate
      yield event
    }
  })
  return own
}

describeServers('read-ahead', ({ server }) => {
  let client
  let n = 0
  before(async () => {
    client = await ioredis.make(server().port)
  })

  /** The most entries that were pending while the server was asked that often. */
  const mostPending = async (stream) => {
    let most = 0
    for (let looks = 0; looks < 200; looks++) most = Math.max(most, await pendingOf(client, stream, 'g'))
    return most
  }

  for (const [what, options, more, most] of [
    ['batch', { batch: 10 }, {}, 20],
    ['batch: 1', { batch: 1 }, {}, 2],
    ['the default batch', {}, {}, 200],
    ['maxUnacked', { batch: 100 }, { maxUnacked: 7 }, 7],
  ]) {
    test(`${what} bounds what is read, and a stop gives it to others at once`, async () => {
      const stream = `ahead-${n++}`
      await publish(client, stream, range(2000))
      const slow = held()
      const source = () => redisSource(client, { stream, group: 'g', ...options })
      const sink = redisSink(client, { stream: `${stream}-out` })
      const one = consuming(slow.fn, { source: source(), sink, ...more })
      await eventually(() => slow.seen.length === 1)
      const pending = await mostPending(stream)
      assert.ok(pending >= 1 && pending <= most, `${pending} entries are pending`)
      const stopped = one.stop()
      slow.go()
      assert.equal((await stopped).acked, 1)
      assert.deepEqual(slow.seen, [0], 'none is begun after the stop')
      // Another has them long before `reclaimAfter` (30 s) is over, and they count as never delivered.
      const deliveries = new Map()
      const rest = streamFn(async function* rest(entries) {
        for await (const { value, deliveries: count } of entries) {
          deliveries.set(value, count)
          yield value
        }
      })
      const other = consuming(rest, { source: redisSource(client, { stream, group: 'g', entries: true }), sink })
      await eventually(async () => Number(await command(client, 'XLEN', `${stream}-out`)) === 2000, 'all of them', 20_000)
      await other.stop()
      assert.deepEqual([...new Set(deliveries.values())], [1])
      assert.deepEqual(
        (await valuesOf(client, `${stream}-out`)).sort((a, b) => a - b),
        range(2000),
      )
    })
  }

  test('two consumers share what is there', async () => {
    const stream = `share-${n++}`
    await publish(client, stream, range(100))
    const both = [held(), held()]
    const runs = both.map(({ fn }) => consuming(fn, { source: redisSource(client, { stream, group: 'g', batch: 10 }) }))
    await eventually(() => both.every(({ seen }) => seen.length === 1))
    for (const { go } of both) go()
    await eventually(() => both[0].seen.length + both[1].seen.length === 100)
    const numbers = await Promise.all(runs.map(({ stop }) => stop()))
    assert.equal(numbers[0].acked + numbers[1].acked, 100)
  })
})

noUnhandledRejections('redis read-ahead')
