// Sources, sinks and what is beside them, with each client on each server.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { map } from 'velo-stream/operators'
import { ack, consumeOnce, materialize, publish, reclaim, redisSink, redisSource, streamInfo, trim } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { clients, command, eventually, pendingOf, valuesOf } from './support.mjs'

const pass = streamFn(async function* pass(events) {
  for await (const event of events) yield event
})

/** Consumes until the stream has been read and everything acknowledged, and stops. */
async function drained(client, fn, options, stream, group) {
  const stop = new AbortController()
  const running = consume(fn, { ...options, signal: stop.signal })
  running.catch(() => {})
  await eventually(async () => {
    const { groups, length } = await streamInfo(client, stream)
    const own = groups.find(({ name }) => name === group)
    return length > 0 && own?.pending === 0 && own.lag === 0
  }, `${stream} is drained`)
  stop.abort()
  return within(10_000, running, 'consume')
}

describeServers('streams', ({ server, name: kind }) => {
  for (const { name, make } of clients) {
    describe(name, () => {
      let client
      let n = 0
      let stream
      before(async () => {
        client = await make(server().port)
      })
      const fresh = () => {
        stream = `${name}-${n++}`
        return stream
      }

      test('publish, consume, and a sink in the same Redis', async () => {
        fresh()
        const id = await publish(client, stream, { n: 0 })
        assert.match(id, /^\d+-\d+$/)
        const ids = await publish(
          client,
          stream,
          Array.from({ length: 999 }, (_, i) => ({ n: i + 1 })),
        )
        assert.equal(new Set([id, ...ids]).size, 1000)
        const odd = streamFn(async function* odd(events) {
          for await (const { n } of events) if (n % 2) yield { n }
        })
        const source = redisSource(client, { stream, group: 'g', batch: 64 })
        const numbers = await drained(client, odd, { source, sink: redisSink(client, { stream: `${stream}-out` }) }, stream, 'g')
        assert.deepEqual(numbers, { received: 1000, acked: 1000, results: 500, deadLettered: 0 })
        assert.deepEqual(
          (await valuesOf(client, `${stream}-out`)).map(({ n }) => n),
          Array.from({ length: 500 }, (_, i) => 2 * i + 1),
        )
        const { groups } = await streamInfo(client, stream)
        assert.equal(groups[0].consumers, 0, 'a consumer of its own name is given back')
      })

      test('values as MessagePack, fields and by functions', async () => {
        const codecs = [
          ['msgpack', { text: 'x', bytes: Buffer.from([0, 255]) }],
          ['fields', { user: 'ann', age: '7' }],
          [{ encode: (value) => ({ v: Buffer.from([value]) }), decode: ({ v }) => v[0] }, 200],
        ]
        for (const [codec, value] of codecs) {
          fresh()
          await publish(client, stream, value, { codec })
          const { entries, next } = await consumeOnce(client, { stream, codec })
          const [entry] = entries
          if (codec === 'msgpack') assert.deepEqual([...entry.value.bytes], [0, 255])
          else assert.deepEqual(entry.value, value)
          assert.equal(next, entry.id)
        }
        fresh()
        await publish(client, stream, 'here', { field: 'body' })
        assert.equal((await consumeOnce(client, { stream, field: 'body' })).entries[0].value, 'here')
        await assert.rejects(
          publish(client, stream, () => {}),
          { code: 'VELO_CODEC' },
        )
        await assert.rejects(publish(client, stream, 1, { codec: 'fields' }), { code: 'VELO_CODEC' })
      })

      test('consumeOnce waits, and goes on from next', async () => {
        fresh()
        const none = await consumeOnce(client, { stream })
        assert.deepEqual(none, { entries: [], next: '0' })
        const waiting = consumeOnce(client, { stream, block: 10_000 })
        await eventually(async () => String(await command(client, 'CLIENT', 'LIST')).includes('cmd=xread '), 'a read waits')
        await publish(client, stream, [1, 2, 3])
        const { entries, next } = await within(5000, waiting)
        assert.equal(entries[0].value, 1)
        const rest = await consumeOnce(client, { stream, from: next })
        assert.deepEqual(
          [...entries, ...rest.entries].map(({ value }) => value),
          [1, 2, 3],
        )
      })

      test('without a group: from an id, from the tail, several streams, and as an iterable', async () => {
        const one = fresh()
        const two = fresh()
        await publish(client, one, [1, 2])
        const seen = []
        const source = redisSource(client, { stream: [one, two], from: '0', entries: true })
        for await (const event of source) {
          seen.push([event.stream, event.value, event.deliveries])
          if (seen.length === 2) await publish(client, two, [3])
          if (seen.length === 3) break
        }
        assert.deepEqual(seen, [
          [one, 1, 1],
          [one, 2, 1],
          [two, 3, 1],
        ])
        await source.ack(3)
        assert.deepEqual(Object.keys(source.position).sort(), [one, two].sort())
        const tail = pass(redisSource(client, { stream: one }))
        const first = tail.next()
        await eventually(async () => String(await command(client, 'CLIENT', 'LIST')).includes('cmd=xread '), 'a read waits')
        await publish(client, one, 4)
        assert.equal((await within(5000, first)).value, 4)
        await tail.return()
      })

      test('several groups on one stream each get everything, consumers of a group share it', async () => {
        fresh()
        const a = []
        const b = []
        const take = (into) =>
          streamFn(async function* take(events) {
            for await (const event of events) into.push(event)
          })
        const stop = new AbortController()
        const of = (group, into) => consume(take(into), { source: redisSource(client, { stream, group, batch: 5 }), signal: stop.signal })
        const running = [of('a', a), of('a', a), of('b', b)]
        await publish(
          client,
          stream,
          Array.from({ length: 200 }, (_, i) => i),
        )
        await eventually(() => a.length >= 200 && b.length >= 200)
        stop.abort()
        const numbers = await within(10_000, Promise.all(running))
        assert.equal(numbers[0].acked + numbers[1].acked, 200)
        assert.equal(numbers[2].acked, 200)
        assert.deepEqual(
          a.sort((x, y) => x - y),
          Array.from({ length: 200 }, (_, i) => i),
        )
        assert.deepEqual(
          b,
          Array.from({ length: 200 }, (_, i) => i),
        )
        assert.equal(await pendingOf(client, stream, 'a'), 0)
      })

      test('materialize keeps the newest, whatever is delivered again, and expires', async () => {
        fresh()
        await publish(client, stream, [
          { user: 'ann', clicks: 1 },
          { user: 'ann', clicks: 2 },
          { user: 'bob', clicks: 1 },
        ])
        const store = streamFn(async function* store(entries) {
          for await (const { id, value } of entries) yield { id, ...value }
        })
        const options = { key: ({ user }) => `${stream}:${user}`, fields: ({ clicks }) => ({ clicks, on: true }), ttl: 60_000 }
        const source = () => redisSource(client, { stream, group: 'g', entries: true })
        await drained(client, store, { source: source(), sink: materialize(client, options) }, stream, 'g')
        assert.equal(await command(client, 'HGET', `${stream}:ann`, 'clicks'), '2')
        assert.equal(await command(client, 'HGET', `${stream}:ann`, 'on'), 'true')
        assert.ok(Number(await command(client, 'PTTL', `${stream}:ann`)) > 0)
        const sink = materialize(client, options)
        const { entries } = await consumeOnce(client, { stream })
        await sink.write([{ id: entries[0].id, user: 'ann', clicks: 1 }])
        assert.equal(await command(client, 'HGET', `${stream}:ann`, 'clicks'), '2', 'older')
        await sink.write([{ id: '9999999999999-0', user: 'ann', clicks: 9 }])
        assert.equal(await command(client, 'HGET', `${stream}:ann`, 'clicks'), '9', 'newer')
        await assert.rejects(async () => materialize(client, { ...options, id: () => 'none' }).write([{ user: 'x', clicks: 1 }]), {
          code: 'VELO_EVENT',
        })
        const perField = materialize(client, { ...options, fieldTtl: 60_000 })
        const writing = perField.write([{ user: 'eve', clicks: 1 }])
        if (kind === 'Valkey') {
          await writing
          const [ttl] = await command(client, 'HPTTL', `${stream}:eve`, 'FIELDS', 1, 'clicks')
          assert.ok(Number(ttl) > 0)
        } else await assert.rejects(writing, { code: 'VELO_ADAPTER', adapter: 'redis' })
      })

      test('a concurrent function, and MAXLEN', async () => {
        fresh()
        await publish(
          client,
          stream,
          Array.from({ length: 300 }, (_, i) => i),
        )
        const slow = map(
          async (n) => {
            await new Promise(setImmediate)
            return n
          },
          { concurrency: 8 },
        )
        const sink = redisSink(client, { stream: `${stream}-out`, maxlen: { exact: 50 } })
        const numbers = await drained(client, slow, { source: redisSource(client, { stream, group: 'g' }), sink }, stream, 'g')
        assert.equal(numbers.results, 300)
        assert.deepEqual(
          await valuesOf(client, `${stream}-out`),
          Array.from({ length: 50 }, (_, i) => 250 + i),
        )
      })

      test('streamInfo, trim, ack, reclaim', async () => {
        fresh()
        assert.deepEqual(await streamInfo(client, stream), {
          length: 0,
          firstId: undefined,
          lastId: undefined,
          groups: [],
          pending: 0,
          lag: 0,
        })
        const ids = await publish(client, stream, [1, 2, 3, 4])
        await command(client, 'XGROUP', 'CREATE', stream, 'g', '0')
        await command(client, 'XREADGROUP', 'GROUP', 'g', 'one', 'COUNT', '3', 'STREAMS', stream, '>')
        const info = await streamInfo(client, stream)
        assert.deepEqual([info.length, info.firstId, info.lastId, info.pending, info.lag], [4, ids[0], ids[3], 3, 1])
        assert.deepEqual(await reclaim(client, { stream, group: 'g', consumer: 'two', minIdle: 0 }), ids.slice(0, 3))
        assert.equal(await ack(client, stream, 'g', ids.slice(0, 2)), 2)
        assert.equal(await trim(client, stream, { minid: 'acked', exact: true }), 2)
        assert.equal(await trim(client, stream, { maxlen: 1, exact: true }), 1)
        await assert.rejects(trim(client, stream, {}), { code: 'VELO_CONFIG' })
      })

      test('what is wrong is said by name', async () => {
        assert.throws(() => redisSource({}, { stream: 'a' }), { code: 'VELO_CONFIG', field: 'redisSource(client)' })
        assert.throws(() => redisSource(client, { stream: 'a', consumer: 'x' }), { field: 'redisSource(client, options).consumer' })
        assert.throws(() => redisSource(client, { stream: 'a', grup: 'x' }), /did you mean 'group'/)
        assert.throws(() => redisSink(client, { stream: 'a', maxlen: -1 }), { field: 'redisSink(client, options).maxlen' })
        assert.throws(() => materialize(client, { key: 1 }), { field: 'materialize(client, options).key' })
        fresh()
        await command(client, 'SET', stream, 'text')
        await assert.rejects(consume(pass, { source: redisSource(client, { stream, group: 'g' }) }), { code: 'VELO_ADAPTER' })
        await assert.rejects(publish(client, stream, 1), { code: 'VELO_ADAPTER' })
      })
    })
  }
})

noUnhandledRejections('redis streams')
