// Durable streams whose worker threads die: one after the other, many streams at once, while they are replayed, closed and acknowledged.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { durable, journal } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { doubled } from './support/functions.mjs'
import { MemoryJournal } from './support/memory-journal.mjs'

const LIMIT = 60_000
const MODULE = import.meta.url
const FUNCTIONS = new URL('./support/functions.mjs', MODULE)

/** A running sum that ends its thread at the event `turn`, once. */
export async function* perishing(events, { context: { turn, mark } }) {
  let total = 0
  for await (const event of events) {
    total += event
    if (event === turn && !existsSync(mark)) {
      writeFileSync(mark, '')
      process.exit(1)
    }
    yield total
  }
}

if (isMainThread) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-threads-'))
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  let made = 0
  const COUNT = 40

  /** Opens a stream that takes its thread along at `turn`; `second` is where a second stage runs. */
  function open(kept, { turn, buffer = 16, second }) {
    const mark = join(folder, `mark-${made++}`)
    const options = { placement: 'worker', export: 'perishing', durable: kept, onWorkerExit: 'resume', buffer }
    let fn = streamFn(MODULE, { ...options, name: 'perishing', context: () => ({ turn, mark }) })
    if (second === 'worker') fn = fn.pipe(streamFn(FUNCTIONS, { placement: 'worker', export: 'doubled' }))
    if (second === 'local') fn = fn.pipe(doubled)
    return fn.open({ id: `s${made}` })
  }

  const sums = (factor) => Array.from({ length: COUNT }, (_, event) => (factor * event * (event + 1)) / 2)

  async function sendAll(stream) {
    for (let event = stream.position.events; event < COUNT; event++) await stream.send(event)
    stream.end()
  }

  describe('worker threads that die', () => {
    test('under streams that wait for what they had kept, and under those that follow', async () => {
      runtime.configure({ workers: 1 })
      const kept = journal(join(folder, 'many'), { sync: 'process' })
      // Four share a thread: each takes it along once, at another event, and gets somewhere in between.
      const lives = Array.from({ length: 12 }, (_, place) => ({
        turn: [5, 12, 21, 33][place % 4],
        buffer: [1, 3, 16][place % 3],
        second: ['none', 'local', 'worker'][(place >> 2) % 3],
      }))
      for (let at = 0; at < lives.length; at += 4) {
        const four = lives.slice(at, at + 4).map(async (life) => {
          const stream = open(kept, life)
          const results = []
          const reading = (async () => {
            for await (const result of stream) {
              results.push(result)
              if (results.length % 3 === 0) await stream.ack()
              else if (results.length % 3 === 1) stream.ack().catch(() => {})
            }
          })()
          await within(LIMIT, Promise.all([sendAll(stream), reading]), JSON.stringify(life))
          assert.deepEqual(results, sums(life.second === 'none' ? 1 : 2), JSON.stringify(life))
        })
        await Promise.all(four)
      }
      await kept.close()
    })

    test('while it is closed: it stays as it was', async () => {
      const kept = journal(join(folder, 'closed'), { sync: 'process' })
      const one = open(kept, { turn: 3 })
      await within(LIMIT, one.sendBatch([0, 1, 2, 3, 4]))
      const { id } = one
      await within(LIMIT, one.close())
      const fn = streamFn(MODULE, { placement: 'worker', export: 'perishing', name: 'perishing', durable: kept, context: () => ({}) })
      const two = fn.open({ id })
      assert.equal((await within(LIMIT, two.resumed)).events, 5)
      two.end()
      const results = []
      for await (const result of two) results.push(result)
      assert.equal(results.at(-1), 10)
      await kept.close()
    })
  })

  describe('codecs of durable streams', () => {
    for (const codec of [
      'json',
      { encode: (value) => Buffer.from(JSON.stringify([value])), decode: (bytes) => JSON.parse(Buffer.from(bytes).toString())[0] },
    ]) {
      test(`on the thread of the caller (${typeof codec})`, async () => {
        const options = { name: 'sum', durable: durable(new MemoryJournal()), codec }
        const sum = streamFn(async function* (events) {
          let total = 0
          for await (const { at } of events) yield { at: (total += at) }
        }, options)
        assert.deepEqual(await sum.run([{ at: 1 }, { at: 2 }]), [{ at: 1 }, { at: 3 }])
      })
    }

    test('is refused where nothing would be encoded', () => {
      assert.throws(() => streamFn(async function* () {}, { codec: 'json' }), {
        code: 'VELO_CONFIG',
        field: 'streamFn(options).codec',
        message: /durable beside it/,
      })
    })
  })

  noUnhandledRejections('threads of durable streams')
}
