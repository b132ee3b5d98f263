// Results as messages: in order, each once, and what is wrong with them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unpack } from 'msgpackr'
import { consume, streamFn } from 'velo-stream'
import { natsSink, natsSource, publish } from 'velo-stream/nats'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { eventually, freshStreams, isThrough, PATIENT, range, started, store, valuesOf, way } from './support.mjs'

const same = streamFn(async function* same(events) {
  for await (const event of events) yield event
})

describeNats('sink', (server) => {
  const fresh = freshStreams(server, 'sink')

  test('results of consume in order, more than one lot', async () => {
    const { client, stream } = await fresh()
    const numbers = await consume(same, { source: range(3000), sink: natsSink(client, { subject: stream }) })
    assert.equal(numbers.results, 3000)
    assert.deepEqual(await valuesOf(client, stream), range(3000))
  })

  test('from one stream into another, by subjects of their own, with headers and a codec', async () => {
    const { client, manager, stream: from } = await fresh()
    const { stream: to } = await fresh()
    await store(client, from, range(6))
    const sink = natsSink(client, {
      subject: (value) => `${to}.${value % 2 ? 'odd' : 'even'}`,
      codec: 'msgpack',
      headers: (value) => ({ Number: String(value) }),
    })
    const { stop } = started(same, { source: natsSource(client, { stream: from, consumer: 'c' }), sink })
    await eventually(() => isThrough(manager, from, 'c'))
    await stop()
    const message = await manager.streams.getMessage(to, { last_by_subj: `${to}.odd` })
    assert.equal(unpack(message.data), 5)
    assert.equal(message.header.get('Number'), '5')
    assert.equal((await manager.streams.info(to, { subjects_filter: '>' })).state.subjects[`${to}.even`], 3)
  })

  test('an id of the event: working on it again stores nothing twice', async () => {
    const { client, stream } = await fresh()
    const sink = natsSink(client, { subject: stream, id: ({ id }) => `event-${id}` })
    await sink.write([{ id: 1 }, { id: 2 }])
    await sink.write([{ id: 2 }, { id: 3 }])
    await sink.end()
    assert.deepEqual(await valuesOf(client, stream), [{ id: 1 }, { id: 2 }, { id: 3 }])
  })

  test('a connection has one status listener, whatever uses it', async () => {
    const { client, stream } = await fresh()
    const own = await connection(server().url)
    const before = own.protocol.listeners.length
    for (let n = 0; n < 50; n++) await publish(own, stream, n)
    const source = natsSource(own, { stream, consumer: 'c' })
    const { stop } = started(same, { source, sink: natsSink(own, { subject: `${stream}.out` }) })
    await eventually(async () => (await valuesOf(client, stream, `${stream}.out`)).length >= 50)
    await stop()
    for (let n = 0; n < 50; n++) await publish(own, stream, n)
    assert.equal(own.protocol.listeners.length - before, 1)
    await own.close()
  })

  test('publish answers with sequences, an array is many events', async () => {
    const { client, stream } = await fresh()
    assert.equal(await publish(client, stream, { n: 1 }), 1)
    assert.deepEqual(
      await publish(client, stream, range(1500)),
      Array.from({ length: 1500 }, (_, i) => i + 2),
    )
    assert.deepEqual(await publish(client, stream, []), [])
    assert.equal(await publish(client, stream, 'once', { id: () => 'x' }), 1502)
    assert.equal(await publish(client, stream, 'once', { id: () => 'x' }), 1502)
  })

  test('a stream without room is backpressure', async () => {
    const { client, manager, stream } = await fresh({ max_msgs: 3, discard: 'new', retention: 'workqueue' })
    const sink = natsSink(client, { subject: stream })
    await sink.write(range(3))
    let isStored = false
    const waiting = (async () => {
      await sink.write([3])
      isStored = true
    })()
    const before = (await manager.streams.info(stream)).state.messages
    assert.deepEqual([isStored, before], [false, 3])
    const seen = []
    const take = streamFn(async function* take(events) {
      for await (const event of events) seen.push(event)
    })
    const { stop } = started(take, { source: natsSource(client, { stream, consumer: 'c' }) })
    await within(PATIENT, waiting)
    await eventually(() => seen.length === 4)
    await stop()
    await sink.end()
    assert.deepEqual(seen, range(4))
  })

  test('stored, and the answer lost with the connection: sent again, and there once', async () => {
    const { client, manager, stream } = await fresh()
    const between = await way(server().url)
    const far = await connection(between.url)
    const sink = natsSink(far, { subject: stream })
    await sink.write([0])
    between.mute(true)
    const writing = sink.write(range(20).map((i) => i + 1))
    await eventually(async () => (await manager.streams.info(stream)).state.messages === 21)
    between.mute(false)
    between.cut()
    await within(PATIENT, writing)
    await sink.write([21])
    await sink.end()
    assert.deepEqual(await valuesOf(client, stream), range(22))
  })

  test('cut again and again: everything once and in order', async () => {
    const { client, manager, stream } = await fresh()
    const between = await way(server().url)
    const far = await connection(between.url)
    const sink = natsSink(far, { subject: stream })
    let cuts = 0
    let at = 0
    while (cuts < 10) {
      const writing = sink.write(range(300).map((i) => at + i))
      await eventually(async () => (await manager.streams.info(stream)).state.messages > at)
      between.cut()
      cuts++
      await within(PATIENT, writing)
      at += 300
    }
    await sink.end()
    assert.deepEqual(await valuesOf(client, stream), range(3000))
  })

  test('what is wrong is said by name', async () => {
    const { client, stream } = await fresh()
    assert.throws(() => natsSink(null, { subject: 'a' }), { code: 'VELO_CONFIG', field: 'natsSink(connection)' })
    assert.throws(() => natsSink(client, { subject: 'a.*' }), { field: 'natsSink(connection, options).subject' })
    assert.throws(() => natsSink(client, { subject: 'a', idd: 1 }), /did you mean 'id'/)
    const nowhere = natsSink(client, { subject: 'nowhere' })
    await assert.rejects(within(PATIENT, nowhere.write([1])), { code: 'VELO_ADAPTER', message: /no stream takes this subject/ })
    nowhere.end()
    const here = natsSink(client, { subject: stream, headers: () => ({ A: 'two\r\nlines' }) })
    await assert.rejects(here.write([1]), { code: 'VELO_CODEC' })
    await assert.rejects(natsSink(client, { subject: stream }).write([undefined]), { code: 'VELO_CODEC' })
    const big = natsSink(client, { subject: stream })
    await assert.rejects(big.write(['x'.repeat(2 ** 20)]), { code: 'VELO_CODEC' })
    big.end()
    assert.deepEqual(await valuesOf(client, stream), [])
  })
})

noUnhandledRejections('nats sink')
