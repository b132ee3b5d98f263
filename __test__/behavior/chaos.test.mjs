// Chaos with books of its own: thousands of streams that are sent to, read, ended, closed, aborted, left idle, refused, and whose functions throw, return
// early, linger or never end, all at random and at once. Whatever happens, the books of the test and those of the library say the same.
//
// VELO_SOAK_MS=480000 makes it last that long, and asks for flat memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcome, turns } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOAK_MS = Number(process.env.VELO_SOAK_MS ?? 0)
const SOON = 30_000
const KNOWN = new Set(['VELO_CLOSED', 'VELO_ENDED', 'VELO_ABORTED', 'VELO_OVERRUN', 'VELO_TIMEOUT', 'VELO_LOCKED'])

/** What an event tells the function to do. */
const WHAT = { echo: 0, twice: 1, nothing: 2, linger: 3, fail: 4, leave: 5, stop: 6 }

/** One stream and its script; answers its books. */
async function play(fn, seed) {
  const { below, pick } = random(seed)
  const stream = fn.open()
  const books = { accepted: 0, refused: 0, read: 0, failures: [] }
  const waits = []
  const note = (error) => {
    if (error?.code !== undefined && KNOWN.has(error.code)) books.refused += error.code === 'VELO_OVERRUN' ? 1 : 0
    else books.failures.push(error)
  }
  const event = () => {
    const dice = below(100)
    const what = dice < 70 ? 'echo' : dice < 80 ? 'twice' : dice < 90 ? 'nothing' : dice < 97 ? 'linger' : pick(['fail', 'leave', 'stop'])
    return WHAT[what]
  }
  const acts = {
    send: () => waits.push(stream.send(event()).then(() => books.accepted++, note)),
    trySend: () => {
      if (stream.trySend(event())) books.accepted++
    },
    sendBatch: () => {
      const events = Array.from({ length: below(20) }, event)
      waits.push(
        stream.sendBatch(events).then(
          () => {
            books.accepted += events.length
          },
          (error) => {
            books.accepted += error.accepted ?? 0
            note(error)
          },
        ),
      )
    },
    recv: () => waits.push(stream.recv().then(() => books.read++, note)),
    recvLate: () => waits.push(stream.recv({ timeout: 1 + below(5) }).then(() => books.read++, note)),
    recvBatch: () =>
      waits.push(
        stream.recvBatch(1 + below(30)).then((results) => {
          books.read += results.length
        }, note),
      ),
    rest: () => turns(1 + below(3)),
  }
  for (let step = below(60); step >= 0; step--) await acts[pick(Object.keys(acts))]()
  const how = pick(['end', 'end', 'end', 'close', 'abort'])
  if (how === 'end') {
    stream.end()
    // A function that waits to be told to stop gives nothing: then the stream is closed.
    let result = { value: undefined }
    while (below(20) > 0 && result.error === undefined) {
      result = await outcome(stream.recv({ timeout: 100 }))
      if (result.error === undefined) books.read++
      else if (!KNOWN.has(result.error.code)) books.failures.push(result.error)
    }
    waits.push(outcome(stream.close()))
  } else if (how === 'close') waits.push(outcome(stream.close()))
  else stream.abort(new Error('chaos'))
  await within(SOON, stream.closed, `seed ${seed}: closed (${how}, ${stream.state})`)
  await within(SOON, Promise.all(waits), `seed ${seed}: every wait settles`)
  await outcome(stream.close()) // what is left unread is dropped
  return { stream, end: await stream.closed, books, seed }
}

function check({ stream, end, books, seed }) {
  const { eventsIn, eventsOut, dropped } = stream.metrics
  const say = `seed ${seed}: ${JSON.stringify({ end, books, eventsIn, eventsOut, dropped })}`
  assert.equal(eventsIn, books.accepted, say)
  assert.ok(end.refused >= books.refused, say)
  if (!end.detached) assert.equal(eventsOut, books.read + end.dropped.results, say)
  assert.ok(dropped.events <= eventsIn, say)
  for (const error of books.failures) assert.equal(error?.message, 'told to fail', say)
}

describePlacements('chaos', (place) => {
  test('the books agree, whatever happens', { timeout: SOAK_MS + 300_000 }, async () => {
    const fn = place(
      async function* (events, ctx) {
        for await (const what of events) {
          if (what === 0) yield what
          else if (what === 1) {
            yield what
            yield what
          } else if (what === 3) await new Promise((resolve) => setImmediate(resolve))
          else if (what === 4) throw new Error('told to fail')
          else if (what === 5) return
          else if (what === 6 && !ctx.signal.aborted)
            await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }))
        }
        yield 'the end'
      },
      { buffer: 8, maxConcurrent: 500, closeTimeout: 2_000, idleTimeout: 300, name: 'chaos' },
    )
    const together = place.worker ? 60 : 200
    const total = place.worker ? 400 : 2_000
    const deadline = Date.now() + SOAK_MS
    const heaps = []
    let seed = 1
    do {
      for (let done = 0; done < total; done += together) {
        const batch = await Promise.all(Array.from({ length: together }, () => play(fn, seed++)))
        batch.forEach(check)
      }
      globalThis.gc?.()
      heaps.push(process.memoryUsage().heapUsed)
    } while (Date.now() < deadline)
    await turns(10)
    const { streamsOpen, streamsDetached, streamsWaiting } = fn.metrics
    assert.deepEqual({ streamsOpen, streamsDetached, streamsWaiting }, { streamsOpen: 0, streamsDetached: 0, streamsWaiting: 0 })
    if (heaps.length > 6) {
      const [early, late] = [heaps.slice(2, 5), heaps.slice(-3)].map((some) => Math.min(...some))
      assert.ok(late < early * 1.2 + 4e6, `the heap grows: ${early} -> ${late}`)
    }
  })
})

noUnhandledRejections('chaos')
