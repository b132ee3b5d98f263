// A durable function whose events end the thread it runs on, in several ways.

import { existsSync, writeFileSync } from 'node:fs'

export const KILLS = {
  'process.exit()': () => process.exit(1),
  'memory that runs out': () => {
    const kept = []
    for (;;) kept.push(new Array(100_000).fill(kept.length))
  },
  'an exception of a callback that nobody catches': () =>
    void setImmediate(() => {
      throw new RangeError('a callback')
    }),
  'a rejection that nobody handles': () =>
    void setImmediate(async () => {
      throw new RangeError('a promise')
    }),
}

/** A running sum; an event `{ kill, mark }` ends that, once if there is a mark. */
export async function* sums(events) {
  let total = 0
  for await (const event of events) {
    if (typeof event === 'number') total += event
    else if (event.mark === undefined || !existsSync(event.mark)) {
      if (event.mark !== undefined) writeFileSync(event.mark, '')
      KILLS[event.kill]()
    }
    yield total
  }
}
