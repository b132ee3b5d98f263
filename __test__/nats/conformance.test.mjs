// A journal in JetStream keeps what journals promise.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { NatsJournal } from 'velo-stream/nats'
import { conforms } from '../durable/conformance.mjs'
import { connection, describeNats, startNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { eventually, freshStream, PATIENT, range, way } from './support.mjs'

let made = 0
describeNats('journals', (server) => {
  let client
  conforms('JetStream', async ({ maxBytes } = {}) => {
    client ??= await connection(server().url)
    const stream = `j${made++}`
    return { open: () => new NatsJournal(client, { stream, maxBytes }) }
  })
})

const init = { at: 1, seed: 2 }
const key = { function: 'f', id: 'a' }
const event = (number) => ({ at: number, end: false, bytes: Buffer.from(String(number)) })
const all = { events: 100_000, bytes: 1 << 30 }
const numbers = async (journal, own) => (await journal.read(own, 0, all)).map(({ bytes }) => Number(Buffer.from(bytes)))

describeNats('journals and faults', (server) => {
  test('a server before 2.11 is refused by its version', async () => {
    const client = await connection(server().url)
    const as = (version) => new Proxy(client, { get: (own, name) => (name === 'info' ? { ...own.info, version } : own[name]) })
    for (const version of ['2.10.29', '1.4.1'])
      assert.throws(() => new NatsJournal(as(version)), {
        code: 'VELO_CONFIG',
        message: `NatsJournal(connection): expected a server of NATS from 2.11 on, got '${version}' (string)`,
      })
    for (const version of ['2.11.0', '2.12.1', '3.0.0', undefined]) new NatsJournal(as(version))
  })

  test('what was asked for while connections are cut is done once, in its order', async () => {
    const road = await way(server().url)
    const journal = new NatsJournal(await connection(road.url), { stream: 'cut' })
    const { own } = await journal.open(key, init)
    const count = 2000
    const steps = []
    for (let number = 0; number < count; number++) {
      steps.push(journal.append(own, number, [event(number)]))
      if (number % 10 === 9) steps.push(journal.commit(own, { outcomes: [{ asked: number, bytes: Buffer.from('x') }] }))
      if (number % 300 === 150) road.cut()
      if (number % 100 === 99) await within(PATIENT, steps.at(-1))
    }
    await within(PATIENT, Promise.all(steps))
    assert.deepEqual(await numbers(journal, own), range(count))
    assert.equal((await journal.open(key, init)).outcomes.length, count / 10)
    await journal.close()
  })

  test('a server that is not heard is given up, and what of a step had arrived is known afterwards', async () => {
    const road = await way(server().url)
    const journal = new NatsJournal(await connection(road.url), { stream: 'mute', timeout: 300 })
    const { own } = await within(PATIENT, journal.open(key, init))
    await journal.append(own, 0, [event(0)])
    for (const step of [
      () => journal.append(own, 1, [event(1)]),
      () => journal.commit(own, { outcomes: [{ asked: 0, bytes: Buffer.from('x') }] }),
      () => journal.commit(own, { state: { version: 1, events: 0, results: 0, asked: 1, bytes: Buffer.from('s') } }),
    ]) {
      road.mute(true)
      await within(PATIENT, assert.rejects(step(), { code: 'VELO_CHECKPOINT', message: /the server: / }))
      road.mute(false)
      road.cut()
      // It was stored, though nobody knew: what is asked for now stands on that.
      assert.deepEqual(await within(PATIENT, numbers(journal, own)), [0, 1])
    }
    await journal.append(own, 1, [event(1), event(2)])
    await journal.commit(own, { outcomes: [{ asked: 1, bytes: Buffer.from('y') }] })
    assert.deepEqual(await numbers(journal, own), [0, 1, 2])
    const { state, outcomes, events } = await journal.open(key, init)
    assert.deepEqual([String(Buffer.from(state.bytes)), outcomes.length, events], ['s', 1, 3])
    await journal.close()
  })

  test('a server that is killed has what it was told, and its owner goes on', async () => {
    const mortal = await startNats()
    const journal = new NatsJournal(await connection(mortal.url), { stream: 'killed' })
    const { own } = await journal.open(key, init)
    for (let number = 0; number < 50; number++) await journal.append(own, number, [event(number)])
    await mortal.kill()
    const waiting = journal.append(own, 50, [event(50)])
    await mortal.start()
    await within(PATIENT, waiting)
    assert.deepEqual(await numbers(journal, own), range(51))
    await journal.close()
  })

  test('whoever opens a stream that somebody is busy with has it, whole', async () => {
    const client = await connection(server().url)
    const stream = 'busy'
    const journals = [new NatsJournal(client, { stream }), new NatsJournal(client, { stream })]
    const { own } = await journals[0].open(key, init)
    let told = 0
    const busy = (async () => {
      for (let number = 0; ; number++) {
        await journals[0].append(own, number, [event(number)])
        told = number + 1
        if (number % 3 === 0) await journals[0].commit(own, { hashes: { from: number / 3, values: Uint32Array.of(number) } })
      }
    })()
    busy.catch(() => {})
    await eventually(() => told > 100)
    const taken = await within(PATIENT, journals[1].open(key, init))
    await within(PATIENT, assert.rejects(busy, { code: 'VELO_CHECKPOINT', message: /opened by somebody else/ }))
    assert.ok(taken.events >= told, `${taken.events} events, ${told} were told`)
    assert.deepEqual(await numbers(journals[1], taken.own), range(taken.events))
    assert.ok(taken.hashes.values.every((value, index) => value === 3 * index))
    for (const journal of journals) await journal.close()
  })

  test('a long log is said anew, and what it let go of is removed', async () => {
    const client = await connection(server().url)
    const journal = new NatsJournal(client, { stream: 'long', storage: 'memory' })
    const { own } = await journal.open(key, init)
    const value = (number) => Buffer.alloc(200, number)
    for (let number = 0; number < 1000; number++) {
      await journal.append(own, number, [event(number)])
      const state = { version: 1, events: number + 1, results: number + 1, asked: 0, bytes: value(number) }
      await journal.commit(own, { delivered: number, state, outputs: { from: number, values: [value(number)] } })
    }
    const manager = await jetstreamManager(client)
    await eventually(async () => (await manager.streams.info('long')).state.messages < 300)
    const kept = await journal.open(key, init)
    assert.deepEqual([kept.first, kept.events, kept.delivered, kept.outputs.values.length], [1000, 1000, 999, 1])
    await journal.close()
  })

  test('options are checked, and a stream that was made for something else is refused', async () => {
    const client = await connection(server().url)
    const field = 'NatsJournal(connection, options)'
    assert.throws(() => new NatsJournal({}), { code: 'VELO_CONFIG', field: 'NatsJournal(connection)' })
    assert.throws(() => new NatsJournal(client, { maxBytes: 0 }), { code: 'VELO_CONFIG', field: `${field}.maxBytes` })
    assert.throws(() => new NatsJournal(client, { stream: 'a.b' }), { code: 'VELO_CONFIG', field: `${field}.stream` })
    assert.throws(() => new NatsJournal(client, { streams: 1 }), { code: 'VELO_CONFIG' })
    await freshStream(client, 'other')
    const refused = new NatsJournal(client, { stream: 'other' }).open(key, init)
    await assert.rejects(refused, { code: 'VELO_CHECKPOINT', message: /stream other has another .*allow_rollup_hdrs/ })
  })
})
