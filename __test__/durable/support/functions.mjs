// Stream functions that durable streams are tested with, here and on worker threads.

import { threadId } from 'node:worker_threads'
import { keyed } from 'velo-stream/operators'

/** A running sum, one result an event. */
export async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
  return total
}

/** How long each event is. */
export async function* lengths(events) {
  for await (const { length } of events) yield length
}

/** Nothing for odd events, two results for even ones. */
export async function* uneven(events) {
  let seen = 0
  for await (const event of events) {
    seen++
    if (event % 2 === 0) yield* [`${seen}a`, `${seen}b`]
  }
  yield `end ${seen}`
}

/** Asks the outside world for each third event. */
export async function* asking(events, ctx) {
  let seen = 0
  for await (const event of events) {
    seen++
    const answer = seen % 3 === 0 ? await ctx.run('ask', () => ctx.context?.ask?.(event) ?? `asked ${event}`) : event
    yield { answer, at: ctx.now(), dice: ctx.random() }
  }
}

/** The same sum in `ctx.state`. */
export async function* summed(events, ctx) {
  for await (const event of events) {
    ctx.state.total += event
    ctx.state.seen++
    yield [ctx.state.seen, ctx.state.total]
  }
  yield ['end', ctx.state.total]
}

/** Doubles, for pipelines. */
export async function* doubled(events) {
  for await (const event of events) yield 2 * event
}

/** Ends its thread at event 3 of its first life there. */
export async function* fragile(events, ctx) {
  let total = 0
  for await (const event of events) {
    total += event
    if (event === 3 && !ctx.replaying && !(await ctx.run('once', () => false))) {
      const done = await ctx.run('die', () => true)
      if (done && !globalThis.hasDied) process.exit(1)
    }
    yield total
  }
}

/** A running sum that ends its thread at each third event, once. */
export async function* mortal(events, ctx) {
  let total = 0
  for await (const event of events) {
    total += event
    if (event % 3 === 0 && (await ctx.run(`thread of ${event}`, () => threadId)) === threadId) process.exit(1)
    yield total
  }
}

/** Asks for a number that nobody can guess. */
export async function* dicing(events, ctx) {
  for await (const event of events) yield `${event} ${await ctx.run('dice', () => Math.random())}`
}

/** Three results an event and a last one, by key; some take their time. */
export const perKey = keyed(
  async function* (events) {
    let turn = 0
    for await (const { key, index } of events) {
      for (let part = 0; part < 3; part++) {
        if (key === 'a' && part === 1) await new Promise(setImmediate)
        yield [index, turn, part]
      }
      turn++
    }
    if (turn % 2 === 1) await new Promise(setImmediate)
    yield turn
  },
  { by: 'key' },
)

/** Whether it is replaying, as far as nobody sees that in its results. */
export async function* replays(events, ctx) {
  for await (const event of events) {
    await ctx.run('ask', () => 'answered')
    yield event[0] < 3 ? event : [...event, ctx.replaying]
  }
}

/** The same by a name with a number before it. */
export async function* numbered(events, ctx) {
  for await (const event of events) yield `${event} ${await ctx.run('1:dice', () => Math.random())}`
}
