// Rule 22: whatever step of the journal is the last one of a process, the next process goes on: nothing acknowledged is lost, results come in order under stable indexes, what was
// asked of the world is not asked again once its outcome was used.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { newShelf } from './support/memory-journal.mjs'
import { MortalJournal } from './support/mortal-journal.mjs'

const SEED = Number(process.env.VELO_SEED ?? 20_261)
const ROUNDS = Number(process.env.VELO_CRASHES ?? 60)
const MODULE = new URL('./support/functions.mjs', import.meta.url)
const STATE = { state: { initial: () => ({ total: 0, seen: 0 }), version: 1, every: 3 } }

/** What a function makes of all events, without a crash. */
async function wanted(fn, events) {
  return streamFn(fn, { name: 'bare' }).run(events)
}

const cases = [
  { name: 'a sum', fn: 'sum', options: {} },
  { name: 'uneven results and a last word', fn: 'uneven', options: {} },
  { name: 'questions to the world', fn: 'asking', options: {}, isAsking: true },
  { name: 'state', fn: 'summed', options: STATE },
]

/** One stream through many processes, each of which dies at some step. */
async function through({ fn, options }, placement, dice, context) {
  const shelf = newShelf()
  const events = Array.from({ length: 5 + Math.floor(dice() * 40) }, () => Math.floor(dice() * 10))
  const seen = new Map()
  let acknowledged = 0
  for (let life = 0; ; life++) {
    assert.ok(life < 400, 'it gets through')
    // Later lives last longer, so that all of it ends.
    const journal = new MortalJournal(shelf, 1 + Math.floor(dice() * (6 + 2 * life)), dice() < 0.5)
    const make = placement === 'local' ? functions[fn] : MODULE
    const stateful = options.state === undefined ? {} : { state: { ...options.state } }
    const elsewhere = placement === 'local' ? {} : { placement, export: fn }
    const one = streamFn(make, {
      name: 'crashing',
      durable: durable(journal, { retain: 60_000 }),
      buffer: 1 + Math.floor(dice() * 8),
      closeTimeout: 20,
      ...context,
      ...stateful,
      ...elsewhere,
    })
    const died = new Promise((resolve) => void (journal.onDeath = resolve))
    const stream = one.open({ id: 'one' })
    const working = work(stream).then(() => true)
    const isOver = await Promise.race([died.then(() => false), working])
    if (isOver) return { events, seen, lives: life + 1, end: await stream.closed }
    // What the dead process goes on to say is heard by nobody.
    working.catch(() => {})
    stream.abort('the process died')
    await stream.closed
  }

  async function work(stream) {
    await stream.resumed
    const { events: next } = stream.position
    assert.ok(next >= acknowledged, `${acknowledged} events were acknowledged, ${next} are kept`)
    const reading = read(stream)
    reading.catch(() => {})
    for (let index = Math.min(next, events.length); index < events.length; ) {
      const count = Math.min(1 + Math.floor(dice() * 4), events.length - index)
      const batch = events.slice(index, index + count)
      await (count === 1 ? stream.send(batch[0]) : stream.sendBatch(batch))
      index += count
      acknowledged = Math.max(acknowledged, index)
    }
    if (next <= events.length) stream.end()
    await reading
  }

  async function read(stream) {
    let { results: index } = stream.position
    assert.ok(index <= seen.size, `result ${index} comes next, ${seen.size} were seen`)
    for await (const result of stream) {
      const text = JSON.stringify(result)
      const before = seen.get(index)
      assert.ok(before === undefined || before === text, `result ${index} was ${before}, and is ${text}`)
      seen.set(index++, text)
    }
    assert.equal(index, seen.size)
  }
}

describe('a process that dies at any step', () => {
  for (const placement of ['local', 'worker']) {
    for (const one of cases) {
      test(`${one.name} (${placement})`, { timeout: 120_000 }, async () => {
        const dice = random(SEED + one.name.length).float
        for (let round = 0; round < (placement === 'local' ? ROUNDS : ROUNDS / 4); round++) {
          const { events, seen, end, lives } = await within(20_000, through(one, placement, dice, {}), `round ${round}`)
          const results = [...seen.entries()].sort(([a], [b]) => a - b)
          assert.deepEqual(
            results.map(([index]) => index),
            results.map((_, place) => place),
            `no index is missing, ${lives} lives`,
          )
          if (one.isAsking !== true && one.options.state === undefined) {
            const bare = await wanted(functions[one.fn], events)
            assert.deepEqual(
              results.map(([, text]) => text),
              bare.map((value) => JSON.stringify(value)),
            )
          }
          if (one.options.state !== undefined) {
            const total = events.reduce((sum, event) => sum + event, 0)
            assert.deepEqual(JSON.parse(results.at(-1)[1]), ['end', total])
            assert.equal(results.length, events.length + 1)
          }
          assert.equal(end.reason, 'done')
        }
      })
    }
  }
})

noUnhandledRejections('durable streams that crash')
