// Functions that run on workers in shard.test.mjs.

import { threadId } from 'node:worker_threads'

export async function* doubled(events) {
  for await (const event of events) yield event * 2
}

/** Each number, and the thread it was on. */
export async function* placed(events) {
  for await (const event of events) yield { event, thread: threadId }
}

/** A running count of what this instance has seen. */
export async function* counted(events) {
  let count = 0
  for await (const { key } of events) yield { key, count: ++count }
}

export async function* failing(events) {
  for await (const event of events) {
    if (event === 5) throw new RangeError('five')
    yield event
  }
}

/** Leaves odd numbers without a result. */
export async function* evens(events) {
  for await (const event of events) if (event % 2 === 0) yield event
}
