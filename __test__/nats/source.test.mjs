// Messages of a stream of JetStream as events: with a consumer by either way of acknowledging, and without one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headers } from '@nats-io/transport-node'
import { pack } from 'msgpackr'
import { streamFn } from 'velo-stream'
import { natsSource } from 'velo-stream/nats'
import { chunk, map } from 'velo-stream/operators'
import { deferred } from '../support/deferred.mjs'
import { describeNats } from '../support/nats-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { eventually, freshStream, freshStreams, isThrough, PATIENT, range, started, store, valuesOf } from './support.mjs'

const collecting = (into) =>
  streamFn(async function* collecting(events) {
    for await (const event of events) into.push(event)
  })

describeNats('source', (server) => {
  const fresh = freshStreams(server, 'source')

  for (const ack of ['each', 'all']) {
    test(`acknowledged ${ack}: everything once, in order, and nothing is pending in the end`, async () => {
      const { client, manager, stream } = await fresh()
      await store(client, stream, range(2500))
      const seen = []
      const { stop } = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'c', ack }) })
      await eventually(() => isThrough(manager, stream, 'c'))
      assert.deepEqual(await stop(), { received: 2500, acked: 2500, results: 0, deadLettered: 0 })
      assert.deepEqual(seen, range(2500))
      const { ack_floor, config } = await manager.consumers.info(stream, 'c')
      assert.equal(ack_floor.stream_seq, 2500)
      assert.equal(config.ack_policy, ack === 'all' ? 'all' : 'explicit')
    })

    test(`acknowledged ${ack}: a stop gives back what a slow function has not begun`, async () => {
      const { client, manager, stream } = await fresh()
      await store(client, stream, range(500))
      const [begun, gate] = [deferred(), deferred()]
      let executed = 0
      const slow = streamFn(async function* slow(events) {
        for await (const _ of events) {
          executed++
          begun.resolve()
          await gate.promise
        }
      })
      const first = started(slow, { source: natsSource(client, { stream, consumer: 'c', ack }) })
      await within(PATIENT, begun.promise, 'the first event')
      const stopped = first.stop()
      gate.resolve()
      const { acked } = await stopped
      assert.deepEqual([executed, acked], [1, 1])
      const seen = []
      const second = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'c', ack }) })
      await eventually(() => isThrough(manager, stream, 'c'))
      await second.stop()
      assert.deepEqual(
        seen.sort((one, other) => one - other),
        range(500).slice(1),
      )
    })

    test(`acknowledged ${ack}: what is not done stays, the oldest in work decides, and the next one goes on there`, async () => {
      const { client, manager, stream } = await fresh()
      await store(client, stream, range(10))
      let release
      const held = new Promise((resolve) => {
        release = resolve
      })
      let others = 0
      const slow = map(
        async (event) => {
          if (event === 3) await held
          else others++
        },
        { concurrency: 16 },
      )
      const first = started(slow, { source: natsSource(client, { stream, consumer: 'c', ack }) })
      await eventually(async () => others === 9 && (await manager.consumers.info(stream, 'c')).ack_floor.stream_seq === 3)
      release()
      await eventually(() => isThrough(manager, stream, 'c'))
      await first.stop()
      await store(client, stream, [10])
      const seen = []
      const { stop } = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'c' }) })
      await eventually(() => seen.length === 1)
      await stop()
      assert.deepEqual(seen, [10])
    })

    test(`acknowledged ${ack}: what was read and is not done goes back at once when it stops`, async () => {
      const { client, manager, stream } = await fresh()
      await store(client, stream, range(5))
      const holds = streamFn(async function* holds(events) {
        for await (const event of events) {
          seen.push(event)
          if (event === 2) throw new Error('stopped here')
        }
      })
      const seen = []
      const source = natsSource(client, { stream, consumer: 'c', ack, ackWait: 600_000 })
      const { running } = started(holds, { source, onError: 'stop' })
      await assert.rejects(within(PATIENT, running), /stopped here/)
      const rest = []
      const { stop } = started(collecting(rest), { source: natsSource(client, { stream, consumer: 'c' }) })
      await eventually(() => isThrough(manager, stream, 'c'))
      await stop()
      const again = rest.filter((event) => event >= 2)
      assert.deepEqual(again, [2, 3, 4])
      assert.deepEqual(seen.slice(0, 3), [0, 1, 2])
    })
  }

  test('several processes share a consumer: each message to one of them', async () => {
    const { client, manager, stream } = await fresh()
    const [a, b] = [[], []]
    const source = () => natsSource(client, { stream, consumer: 'c', batch: 5 })
    const both = [started(collecting(a), { source: source() }), started(collecting(b), { source: source() })]
    await store(client, stream, range(300))
    await eventually(async () => a.length + b.length >= 300 && (await isThrough(manager, stream, 'c')))
    const numbers = await Promise.all(both.map(({ stop }) => stop()))
    assert.equal(numbers[0].acked + numbers[1].acked, 300)
    assert.deepEqual(
      [...a, ...b].sort((x, y) => x - y),
      range(300),
    )
  })

  test('a function that holds several events, and only some subjects', async () => {
    const { client, stream } = await fresh()
    await store(client, `${stream}.a`, range(10))
    await store(client, `${stream}.b`, range(10))
    const sums = chunk({ minSize: 4, maxSize: 4 }).pipe(
      streamFn(async function* sum(lists) {
        for await (const list of lists) yield list.length
      }),
    )
    const results = []
    const sink = { write: (lengths) => void results.push(...lengths) }
    const { stop } = started(sums, { source: natsSource(client, { stream, consumer: 'c', subject: `${stream}.b` }), sink })
    await eventually(() => results.length === 2)
    const { acked, received } = await stop()
    assert.deepEqual([acked, received, results], [10, 10, [4, 4, 2]])
    await assert.rejects(
      within(PATIENT, started(sums, { source: natsSource(client, { stream, consumer: 'c', subject: `${stream}.a` }) }).running),
      { code: 'VELO_CONFIG', field: 'natsSource(connection, options).subject' },
    )
  })

  test('values by MessagePack, bytes and functions; entries say where they come from', async () => {
    const { client, stream } = await fresh()
    const { jetstream } = await import('@nats-io/jetstream')
    const js = jetstream(client)
    const named = headers()
    named.set('Device', 'x')
    await js.publish(`${stream}.m`, pack({ n: 1 }), { headers: named })
    const first = async (options) => {
      for await (const event of natsSource(client, { stream, from: 'all', ...options })) return event
    }
    const { time, ...entry } = await first({ codec: 'msgpack', entries: true })
    assert.deepEqual(entry, { sequence: 1, subject: `${stream}.m`, deliveries: 1, headers: { Device: 'x' }, value: { n: 1 } })
    assert.ok(Math.abs(Date.now() - time) < 600_000)
    assert.deepEqual(Buffer.from(await first({ codec: 'bytes' })), pack({ n: 1 }))
    assert.equal(await first({ codec: { encode: String, decode: (payload) => payload.length } }), pack({ n: 1 }).length)
  })

  test('without a consumer: from a sequence, from a moment, from now on; nothing is left behind', async () => {
    const { client, manager, stream } = await fresh()
    await store(client, stream, range(5))
    const take = async (options, count) => {
      const values = []
      for await (const event of natsSource(client, { stream, ...options })) {
        values.push(event)
        if (values.length === count) break
      }
      return values
    }
    assert.deepEqual(await within(PATIENT, take({ from: 3 }, 3)), [2, 3, 4])
    assert.deepEqual(await within(PATIENT, take({ from: new Date(0) }, 5)), range(5))
    const tail = take({}, 2)
    await eventually(async () => (await manager.consumers.list(stream).next()).length > 0)
    await eventually(async () => (await manager.consumers.list(stream).next()).some(({ num_waiting }) => num_waiting > 0))
    await store(client, stream, [5, 6])
    assert.deepEqual(await within(PATIENT, tail), [5, 6])
    await eventually(async () => (await manager.consumers.list(stream).next()).length === 0)
  })

  test('a function that throws: others pass, and the culprit goes aside with what was wrong', async () => {
    const { client, manager, stream } = await fresh()
    await store(client, stream, range(6))
    await freshStream(client, `${stream}-dead`)
    let tries = 0
    const seen = []
    const picky = streamFn(async function* picky(events) {
      for await (const event of events) {
        if (event === 3 && ++tries) throw new TypeError('no\nthrees')
        seen.push(event)
      }
    })
    const source = natsSource(client, { stream, consumer: 'c', maxDeliveries: 3, deadLetter: `${stream}-dead` })
    const { stop } = started(picky, { source })
    await eventually(() => isThrough(manager, stream, 'c'))
    const { deadLettered } = await stop()
    assert.deepEqual([deadLettered, tries, [...new Set(seen)]], [1, 3, [0, 1, 2, 4, 5]])
    const letter = await manager.streams.getMessage(`${stream}-dead`, { seq: 1 })
    assert.equal(letter.json(), 3)
    assert.equal(letter.header.get('Velo-Error'), 'no threes')
    assert.deepEqual(
      ['Stream', 'Sequence', 'Subject', 'Consumer', 'Deliveries'].map((name) => letter.header.get(`Velo-${name}`)),
      [stream, '4', stream, 'c', '3'],
    )
  })

  for (const ack of ['each', 'all']) {
    test(`acknowledged ${ack}, with retryDelay: others go on, and the culprit comes later`, async () => {
      const { client, manager, stream } = await fresh()
      await store(client, stream, range(6))
      const seen = []
      let isDown = true
      const picky = streamFn(async function* picky(events) {
        for await (const event of events) {
          if (event === 3 && isDown) throw new Error('not now')
          seen.push(event)
        }
      })
      const source = natsSource(client, { stream, consumer: 'c', retryDelay: 50, maxDeliveries: 1000, ack })
      const { stop } = started(picky, { source })
      await eventually(() => seen.includes(5))
      isDown = false
      await eventually(() => isThrough(manager, stream, 'c'))
      await stop()
      assert.deepEqual([...new Set(seen)], [0, 1, 2, 4, 5, 3])
    })
  }

  test('what cannot be read goes aside, and ends the source where there is no place for it', async () => {
    const { client, manager, stream } = await fresh()
    await freshStream(client, `${stream}-dead`)
    const { jetstream } = await import('@nats-io/jetstream')
    await jetstream(client).publish(stream, 'no JSON')
    await store(client, stream, [1])
    const seen = []
    const { running } = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'strict' }) })
    await assert.rejects(within(PATIENT, running), { code: 'VELO_CODEC' })
    const source = natsSource(client, { stream, consumer: 'c', deadLetter: `${stream}-dead.letters` })
    const { stop } = started(collecting(seen), { source })
    await eventually(() => isThrough(manager, stream, 'c'))
    assert.deepEqual(await stop(), { received: 1, acked: 1, results: 0, deadLettered: 1 })
    assert.deepEqual(seen, [1])
    const gone = natsSource(client, { stream, consumer: 'gone', deadLetter: 'nowhere' })
    await assert.rejects(
      within(PATIENT, started(collecting(seen), { source: gone }).running),
      /dead letter nowhere: .*no stream takes this subject/,
    )
    assert.equal((await valuesOf(client, stream, `${stream}.none`)).length, 0)
  })

  test('what is wrong is said by name', async () => {
    const { client, manager, stream } = await fresh()
    assert.throws(() => natsSource({}, { stream }), { code: 'VELO_CONFIG', field: 'natsSource(connection)' })
    const options = 'natsSource(connection, options)'
    for (const [given, field] of [
      [{ stream: 'a.b' }, 'stream'],
      [{ stream, ackWait: 1000 }, 'ackWait'],
      [{ stream, consumer: 'a b' }, 'consumer'],
      [{ stream, from: 0 }, 'from'],
      [{ stream, consumer: 'c', deadLetter: 'a.>' }, 'deadLetter'],
      [{ stream, codec: 'xml' }, 'codec'],
    ])
      assert.throws(() => natsSource(client, given), { code: 'VELO_CONFIG', field: `${options}.${field}` })
    assert.throws(() => natsSource(client, { strem: 'x' }), /did you mean 'stream'/)
    const fn = collecting([])
    await assert.rejects(within(PATIENT, started(fn, { source: natsSource(client, { stream: 'none', consumer: 'c' }) }).running), {
      code: 'VELO_ADAPTER',
      adapter: 'nats',
    })
    await manager.consumers.add(stream, { durable_name: 'e', ack_policy: 'explicit' })
    await assert.rejects(within(PATIENT, started(fn, { source: natsSource(client, { stream, consumer: 'e', ack: 'all' }) }).running), {
      code: 'VELO_CONFIG',
      field: `${options}.ack`,
    })
  })
})

noUnhandledRejections('nats source')
