// A source of many parts: each has instances of its own, and what they share is the sink, the end and the numbers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consume } from 'velo-stream'
import { within } from '../support/within.mjs'
import { controlledSink, numbered, until } from './support.mjs'

const PATIENT = 10_000

/** A source of these parts, which ends when they were given; `open`: it does not. */
function parted(parts, { open = false } = {}) {
  let ended = () => {}
  const over = new Promise((resolve) => {
    ended = resolve
  })
  const source = {
    ends: 0,
    parts() {
      const given = parts[Symbol.iterator]()
      return {
        async next() {
          const { done, value } = given.next()
          if (!done) return { done, value: await value }
          if (open) await over
          return { done: true, value: undefined }
        },
        async return() {
          ended()
          return { done: true, value: undefined }
        },
      }
    },
    end() {
      source.ends++
    },
  }
  return source
}

test('each part has an instance of its own; the numbers are those of all', async () => {
  const parts = [numbered(10), numbered(100), numbered(0), numbered(33)]
  const source = parted(parts)
  const sink = controlledSink()
  const lives = []
  const fn = async function* (events) {
    let count = 0
    for await (const _ of events) yield ++count
    lives.push(count)
  }
  const told = await within(PATIENT, consume(fn, { source, sink }))
  assert.deepEqual(told, { received: 143, acked: 143, results: 143, deadLettered: 0 })
  assert.deepEqual(lives.sort(), [10, 100, 33])
  assert.deepEqual(
    parts.map(({ acked, ends }) => [acked, ends]),
    [
      [10, 1],
      [100, 1],
      [0, 1],
      [33, 1],
    ],
  )
  assert.deepEqual([source.ends, sink.ends], [1, 1])
})

test('a sink hears one part at a time, unless it takes many', async () => {
  for (const isConcurrent of [undefined, true]) {
    let open = 0
    let most = 0
    const sink = {
      isConcurrent,
      async write() {
        most = Math.max(most, ++open)
        await new Promise(setImmediate)
        open--
      },
    }
    const copy = async function* (events) {
      yield* events
    }
    await within(PATIENT, consume(copy, { source: parted([numbered(64), numbered(64), numbered(64)]), sink }))
    assert.equal(most, isConcurrent ? 3 : 1)
  }
})

test('one part that fails ends all; what the others have in work is finished', async () => {
  const [good, bad] = [numbered(40, { open: true }), numbered(40, { open: true })]
  const fn = async function* (events) {
    for await (const event of events) {
      if (event === 20 && ++reached === 2) throw new Error('enough')
      yield event
    }
  }
  let reached = 0
  const source = parted([good, bad], { open: true })
  await within(PATIENT, assert.rejects(consume(fn, { source, onError: 'stop' }), /enough/))
  const [one, other] = [good.acked, bad.acked].sort((a, b) => a - b)
  assert.deepEqual([one <= 20, other], [true, 40])
  assert.deepEqual([source.ends, good.ends, bad.ends], [1, 1, 1])
})

test('the signal stops all of them in order', async () => {
  const controller = new AbortController()
  const parts = [numbered(10, { open: true }), numbered(20, { open: true })]
  const copy = async function* (events) {
    yield* events
  }
  const running = consume(copy, { source: parted(parts, { open: true }), signal: controller.signal })
  await within(PATIENT, Promise.all([until(parts[0], 10), until(parts[1], 20)]))
  controller.abort()
  assert.equal((await within(PATIENT, running)).acked, 30)
})

test('a source that throws as it looks for parts: what it gave is finished first', async () => {
  const part = numbered(50)
  const source = parted([part, Promise.reject(new Error('no more'))])
  const copy = async function* (events) {
    yield* events
  }
  await within(PATIENT, assert.rejects(consume(copy, { source }), /no more/))
  assert.equal(source.ends, 1)
  assert.equal(part.ends, 1)
})

test('a part that is lost is dropped: nobody hears of an error, nothing more of it is acknowledged or stored', async () => {
  const lost = new AbortController()
  const part = numbered(100, { open: true, lost: lost.signal, failed: () => false })
  const other = numbered(100, { open: true })
  const sink = controlledSink()
  const controller = new AbortController()
  let stuck
  const isStuck = new Promise((resolve) => {
    stuck = resolve
  })
  let cleaned = 0
  const fn = async function* (events) {
    let count = 0
    try {
      for await (const event of events) {
        count++
        if (event === 50 && !lost.signal.aborted && ++blocked === 1) {
          stuck()
          await new Promise((resolve) => lost.signal.addEventListener('abort', resolve))
        }
        yield event
      }
    } finally {
      cleaned += count
    }
  }
  let blocked = 0
  const running = consume(fn, { source: parted([part, other], { open: true }), sink, signal: controller.signal })
  await within(PATIENT, Promise.all([isStuck, until(other, 100)]))
  const acked = part.acked
  lost.abort(new Error('somebody else has it'))
  await within(
    PATIENT,
    new Promise((resolve) => {
      const look = () => (part.ends === 1 ? resolve() : setImmediate(look))
      look()
    }),
  )
  assert.equal(part.acked, acked)
  controller.abort()
  await within(PATIENT, running)
  assert.ok(cleaned >= 100)
})

test('a store that joins is asked to begin before anything is read', async () => {
  const order = []
  const part = numbered(3)
  const { batches } = part
  part.batches = () => {
    order.push('read')
    return batches()
  }
  const sink = {
    write() {},
    joined: (of) => ({
      async begin() {
        assert.equal(of, part)
        await new Promise(setImmediate)
        order.push('begun')
      },
      commit: (results, upTo) => order.push([results.length, upTo]),
    }),
  }
  const copy = async function* (events) {
    yield* events
  }
  await within(PATIENT, consume(copy, { source: parted([part]), sink }))
  assert.deepEqual(order.slice(0, 2), ['begun', 'read'])
  assert.deepEqual(order.at(-1).at(-1), 3)
  const failing = { write() {}, joined: () => ({ begin: () => Promise.reject(new Error('fenced')), commit() {} }) }
  await within(PATIENT, assert.rejects(consume(copy, { source: parted([numbered(3)]), sink: failing }), /fenced/))
})
