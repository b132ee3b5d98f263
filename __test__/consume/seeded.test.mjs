// Functions that throw at random moments, of every kind: no event is acknowledged before all that came of it was stored, and where that is one step, nothing is stored twice.
// VELO_SEED chooses where it begins, VELO_CONSUME_ROUNDS how many seeds there are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { batch, chunk, flatMap, keyed, map } from 'velo-stream/operators'
import { within } from '../support/within.mjs'

const EVENTS = 200
const first = Number(process.env.VELO_SEED ?? 1)
const rounds = Number(process.env.VELO_CONSUME_ROUNDS ?? 3)

/** Every event has two results, `[n, 0]` and `[n, 1]`. */
function kindsOf(random) {
  const maybe = async () => {
    if (random() < 0.3) await new Promise(setImmediate)
  }
  const flaky = () => {
    if (random() < 0.01) throw new Error('flaky')
  }
  const pair = async (n) => {
    await maybe()
    flaky()
    return [
      [n, 0],
      [n, 1],
    ]
  }
  const plain = streamFn(async function* plain(events) {
    for await (const n of events) {
      await maybe()
      yield [n, 0]
      await maybe()
      flaky()
      yield [n, 1]
    }
  })
  async function* spread(events) {
    for await (const all of events) {
      flaky()
      yield* all
    }
  }
  return {
    'a generator': [plain, true],
    'calls and a generator': [map(pair, { concurrency: 5 }).pipe(spread), true],
    flatMap: [flatMap(pair, { concurrency: 4 }), true],
    batches: [batch(async (ns) => (await Promise.all(ns.map(pair))).flat(), { maxSize: 7, concurrency: 2 }), true],
    'a pipeline with chunks': [plain.pipe(chunk({ maxSize: 3 })).pipe(spread), true],
    'calls without order': [map(pair, { concurrency: 5, ordered: false }).pipe(flatMap((all) => all)), false],
    keyed: [keyed(plain, { by: (n) => n % 5 }).pipe(map(({ value }) => value)), false],
  }
}

async function tried(fn, random, isJoined) {
  const stored = []
  const parts = Array.from({ length: EVENTS }, () => new Set())
  let given = 0
  let acked = 0
  const store = async (results) => {
    if (random() < 0.3) await new Promise(setImmediate)
    for (const [n, part] of results) {
      stored.push(n)
      parts[n].add(part)
    }
  }
  const done = (upTo) => {
    for (; acked < upTo; acked++) assert.equal(parts[acked].size, 2, `event ${acked} is acknowledged`)
  }
  const source = {
    [Symbol.asyncIterator]: () => assert.fail('it gives batches'),
    async *batches() {
      while (given < EVENTS) {
        const count = Math.min(EVENTS - given, 1 + Math.floor(random() * 40))
        given += count
        yield Array.from({ length: count }, (_, i) => given - count + i)
      }
    },
    ack: done,
    failed: async () => false,
  }
  const commit = async (results, upTo) => {
    await store(results)
    done(upTo)
  }
  const sink = { write: store, joined: () => (isJoined ? { commit } : undefined) }
  const numbers = await within(20_000, consume(fn, { source, sink }), 'consume')
  assert.deepEqual([numbers.received, numbers.acked, acked], [EVENTS, EVENTS, EVENTS])
  return stored.length
}

for (let seed = first; seed < first + rounds; seed++) {
  for (const isJoined of [true, false]) {
    test(`seed ${seed}, ${isJoined ? 'one step' : 'two steps'}`, async () => {
      let state = seed
      const random = () => {
        state = (state * 48_271) % 2_147_483_647
        return state / 2_147_483_647
      }
      for (const [name, [fn, isExact]] of Object.entries(kindsOf(random))) {
        const stored = await tried(fn, random, isJoined).catch((error) => {
          throw new Error(`${name}: ${error.message}`, { cause: error })
        })
        if (isJoined && isExact) assert.equal(stored, 2 * EVENTS, `${name}: stored once`)
      }
    })
  }
}
