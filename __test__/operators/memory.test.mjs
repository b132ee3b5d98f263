// Operators hold what their bounds say, however long the stream is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batch, filter, flatMap, map } from 'velo-stream/operators'

const EVENTS = 400_000
/** Far below what one number each of the events would take. */
const GROWTH = 6 * 1024 * 1024

const collect = globalThis.gc
const heap = () => {
  collect()
  return process.memoryUsage().heapUsed
}

/** The events; `growth` is the most that the heap grew by after the first tenth of them. */
function measured() {
  const source = { growth: Number.NEGATIVE_INFINITY, samples: 0 }
  source[Symbol.asyncIterator] = async function* () {
    let before = 0
    for (let n = 0; n < EVENTS; n++) {
      if (n === EVENTS / 10) before = heap()
      else if (n > EVENTS / 10 && n % (EVENTS / 10) === 0) {
        source.samples++
        source.growth = Math.max(source.growth, heap() - before)
      }
      yield n
    }
  }
  return source
}

const chains = {
  'steps, most of what comes is dropped': () =>
    map((n) => ({ n }))
      .pipe(filter(({ n }) => n % 100 === 0))
      .pipe(flatMap(({ n }) => [n, n])),
  'calls in order': () => map(async (n) => n, { concurrency: 16 }),
  'calls as completed, some skipped': () =>
    map(async (n) => (n % 2 === 0 ? n : Promise.reject(n)), { concurrency: 16, ordered: false, onError: 'skip' }),
  'calls that read their signal and have a time limit': () =>
    map(async (n, { signal }) => (signal.aborted ? 0 : n), { concurrency: 4, timeout: 60_000 }),
  batches: () => batch(async (ns) => ns, { maxSize: 100, concurrency: 2 }),
}

for (const [name, make] of Object.entries(chains)) {
  test(`${EVENTS} events, flat: ${name}`, { timeout: 120_000 }, async () => {
    const source = measured()
    for await (const _ of make()(source));
    assert.equal(source.samples, 8)
    assert.ok(source.growth < GROWTH, `grew by ${source.growth} bytes`)
  })
}
