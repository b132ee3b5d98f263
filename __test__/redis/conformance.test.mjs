// A journal in Redis or Valkey keeps what journals promise, by either client.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { RedisJournal as UserJournal } from 'velo-stream/redis'
import { RedisJournal } from '../../target/js/redis/session/redis-journal.js'
import { conforms } from '../durable/conformance.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'

const init = { at: 1, seed: 2 }
const key = { function: 'f', id: 'a' }
const event = (number) => ({ at: number, end: false, bytes: Buffer.from(String(number)) })

let made = 0
describeServers('journals', ({ name: kind, server }) => {
  // What is of the server and what is of the client do not meet: each is tried once.
  for (const { name, make, end } of kind === 'Redis' ? clients.slice(0, 1) : clients.slice(1)) {
    let client
    conforms(name, async ({ maxBytes } = {}) => {
      client ??= await make(server().url)
      const prefix = `j${made++}`
      return { open: () => new RedisJournal(client, { prefix, maxBytes }) }
    })
    after(() => client && end(client))
  }

  for (const { name, make, end } of clients) {
    test(`${name}: what was asked for while connections are cut is done once, in its order`, async () => {
      const [client, knife] = [await make(server().url), await clients[0].make(server().url)]
      const journal = new RedisJournal(client, { prefix: `cut-${name}` })
      const { own } = await journal.open(key, init)
      const count = 3000
      const steps = []
      for (let number = 0; number < count; number++) {
        steps.push(journal.append(own, number, [event(number)]))
        if (number % 10 === 9) steps.push(journal.commit(own, { outcomes: [{ asked: number, bytes: Buffer.from('x') }] }))
        if (number % 300 === 150) steps.push(knife.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
        if (number % 100 === 99) await within(20_000, steps.at(-1))
      }
      await within(20_000, Promise.all(steps))
      const read = []
      while (read.length < count) read.push(...(await journal.read(own, read.length, { events: 1000, bytes: 1 << 20 })))
      assert.deepEqual(
        read.map(({ bytes }) => Number(Buffer.from(bytes))),
        Array.from({ length: count }, (_, number) => number),
      )
      assert.equal((await journal.open(key, init)).outcomes.length, count / 10)
      await journal.close()
      await end(client)
      knife.disconnect()
    })

    test(`${name}: a server that is away for a moment ends no stream that is only read`, async () => {
      const client = await make(server().url)
      const journal = new UserJournal(client, { prefix: `moment-${name}`, timeout: 300 })
      const sum = streamFn(
        async function* sum(events) {
          for await (const event of events) yield event
        },
        { durable: durable(journal) },
      )
      const stream = sum.open({ id: 'a' })
      await within(10_000, stream.sendBatch([1, 2, 3]))
      server().signal('SIGSTOP')
      for (const result of [1, 2]) assert.equal(await within(10_000, stream.recv()), result)
      await within(10_000, assert.rejects(stream.ack(), { code: 'VELO_CHECKPOINT', retryable: true }))
      server().signal('SIGCONT')
      await within(10_000, stream.send(4))
      await within(10_000, stream.ack())
      await within(10_000, stream.close())
      assert.deepEqual(await within(10_000, sum.open({ id: 'a' }).resumed), { events: 4, results: 2, by: 'replay' })
      assert.equal(await within(10_000, sum.discard('a')), true)
      await journal.close()
      await end(client)
    })

    test(`${name}: nothing is stored behind an outcome that the server has lost`, async () => {
      const client = await make(server().url)
      const journal = new RedisJournal(client, { prefix: `tail-${name}` })
      const { own } = await journal.open(key, init)
      const other = await clients[0].make(server().url)
      const keys = async () => other.keys(`tail-${name}:*`)
      const outcome = (asked) => ({ outcomes: [{ asked, bytes: Buffer.from('x') }] })
      await within(10_000, journal.commit(own, outcome(0)))
      const dumps = await Promise.all((await keys()).map(async (key) => [key, await other.dumpBuffer(key)]))
      await within(10_000, journal.commit(own, { ...outcome(1), after: 0 }))
      for (const [key, dump] of dumps) await other.restore(key, 0, dump, 'REPLACE')
      const lost = { code: 'VELO_CHECKPOINT', message: /outcome 1 is missing/ }
      await within(10_000, assert.rejects(journal.commit(own, { ...outcome(2), after: 1 }), lost))
      assert.deepEqual(
        (await journal.open(key, init)).outcomes.map(({ asked }) => asked),
        [0],
      )
      await journal.close()
      await end(client)
      other.disconnect()
    })

    test(`${name}: a server that forgot its scripts is sent them again, and one that is away is given up`, async () => {
      const client = await make(server().url)
      const journal = new RedisJournal(client, { prefix: `away-${name}`, timeout: 300 })
      const { own } = await journal.open(key, init)
      const other = await clients[0].make(server().url)
      await other.call('SCRIPT', 'FLUSH')
      await within(10_000, journal.append(own, 0, [event(0)]))
      server().signal('SIGSTOP')
      await within(10_000, assert.rejects(journal.append(own, 1, [event(1)]), { code: 'VELO_CHECKPOINT', message: /does not answer/ }))
      server().signal('SIGCONT')
      await within(10_000, journal.append(own, 1, [event(1)]))
      assert.equal((await journal.open(key, init)).events, 2)
      await journal.close()
      await end(client)
      other.disconnect()
    })
  }

  test('options are checked', () => {
    const field = 'redisJournal(client, options)'
    assert.throws(() => new RedisJournal({}), { code: 'VELO_CONFIG', field: 'redisJournal(client)' })
    const [{ make }] = clients
    return make(server().url).then((client) => {
      assert.throws(() => new RedisJournal(client, { maxBytes: 0 }), { code: 'VELO_CONFIG', field: `${field}.maxBytes` })
      assert.throws(() => new RedisJournal(client, { prefix: '' }), { code: 'VELO_CONFIG', field: `${field}.prefix` })
      assert.throws(() => new RedisJournal(client, { timeouts: 1 }), { code: 'VELO_CONFIG' })
      client.disconnect()
    })
  })
})
