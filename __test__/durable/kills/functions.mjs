// The stream functions whose process is killed. They note what they take, what they do to the world, and what they are told came of it; a result is a pair:
// what follows from the events, which a model knows, and what came from the world, which must stay as it was first seen.

import { existsSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { keyed, map, shard, window } from 'velo-stream/operators'
import { note } from './notes.mjs'

/** The next event, as one opening of a stream was given it. */
function took(ctx, event) {
  const { id, a, turn } = ctx.context
  note('took', id, a, event.i, event.a)
  if (event.i === turn) perish(ctx)
}

/** A side effect by the name of its event; some fail once, some always. */
async function ask(ctx, name, key, place) {
  const { id, a } = ctx.context
  let tries = 0
  const act = async () => {
    const value = `${a}/${key}/${++tries}`
    note('did', id, a, key, value)
    if (place % 3 === 1) await new Promise(setImmediate)
    if (place % 5 === 4 || (place % 5 === 3 && tries === 1)) throw new Error(value)
    return value
  }
  const value = await ctx.run(name, act, { retry: { attempts: 2, backoff: 0 } }).catch((error) => {
    // No outcome, but that none is kept: a stage whose neighbor lost its thread hears it from a stream that has another life by then. Of any other stream this is the end, which is judged.
    if (error.code === 'VELO_CHECKPOINT') throw error
    return `!${error.message}`
  })
  note('told', id, a, key, value)
  return value
}

/** A running sum, one result an event. */
export async function* sum(events, ctx) {
  let total = 0
  for await (const event of events) {
    took(ctx, event)
    total += event.value
    yield [[event.i, event.a, total], null]
  }
  return total
}

/** The thread ends under a function that is deadly, once in an opening: whatever ran there goes on in another one. */
function perish({ context: { id, a, deadly } }) {
  const died = `${process.env.VELO_KILLS_NOTES}-died-${id}-${a}`
  if (!deadly || isMainThread || existsSync(died)) return
  writeFileSync(died, '')
  note('died', id, a)
  process.exit(1)
}

/** From none to two results an event, and a last word. */
export async function* uneven(events, ctx) {
  let total = 0
  for await (const event of events) {
    took(ctx, event)
    total += event.value
    for (let part = 0; part < event.value % 3; part++) yield [[event.i, event.a, total, part], null]
  }
  yield [['end', total], null]
}

/** Several questions to the world at once. */
export async function* asking(events, ctx) {
  for await (const event of events) {
    took(ctx, event)
    const asked = Array.from({ length: event.value % 4 }, (_, part) =>
      ask(ctx, part === 2 ? 'other' : 'ask', `${event.i}.${part}`, event.i + part),
    )
    const got = await Promise.all(asked)
    yield [[event.i, event.a], { at: ctx.now(), dice: ctx.random(), got }]
  }
}

/** A sum in `ctx.state`, with a question now and then. */
export async function* summed(events, ctx) {
  for await (const event of events) {
    took(ctx, event)
    const { state } = ctx
    if (state.seen !== event.i) note('wrong', ctx.context.id, `the state has seen ${state.seen} events before event ${event.i}`)
    state.seen++
    state.total += event.value
    // What it is told is kept beside its events, for which there may be no room.
    const got = event.value % 4 === 0 && !ctx.context.bounded ? [await ask(ctx, 'ask', `${event.i}.s`, event.i)] : []
    for (let part = 0; part < 1 + (event.value % 2); part++)
      yield [[event.i, event.a, state.total, part], { at: ctx.now(), dice: ctx.random(), got }]
  }
  yield [['end', ctx.state.total], null]
}

/** A sum that has enough at some event. */
export async function* early(events, ctx) {
  let total = 0
  for await (const event of events) {
    took(ctx, event)
    total += event.value
    if (event.i === ctx.context.turn) return total
    yield [[event.i, event.a, total], null]
  }
}

/** A sum that fails at some event. */
export async function* throwing(events, ctx) {
  let total = 0
  for await (const event of events) {
    took(ctx, event)
    total += event.value
    if (event.i === ctx.context.turn) throw new RangeError(`${total} is too much`)
    yield [[event.i, event.a, total], null]
  }
}

/** What stands behind another one: it asks the world too. */
export async function* tagged(results, ctx) {
  for await (const [fixed, free] of results) {
    const key = `${fixed.join('.')}.t`
    const got = typeof fixed[0] === 'number' && fixed[0] % 3 === 0 ? [await ask(ctx, 'ask', key, fixed[0])] : []
    yield [[...fixed, 'tagged'], { ...free, tail: got }]
  }
}

async function* count(events) {
  let seen = 0
  for await (const event of events) yield [event.i, event.a, ++seen]
}

async function* number(events) {
  let seen = 0
  for await (const event of events) yield [[event.i, event.a, ++seen], null]
}

/** How often each key came. */
export const counted = keyed(count, { by: 'key' })

/** Several at a time, in their order. */
export const mapped = map(
  async ({ i, a, value }) => {
    if (value % 3 === 0) await new Promise(setImmediate)
    return [[i, a, value], null]
  },
  { concurrency: 3 },
)

/** By two instances in turn, in the order of the events. */
export const sharded = shard(number, { shards: 2 })

/** Which events happened together. */
export const windowed = window({ tumbling: 300, by: (event) => event.at }, (events, { start }) => [
  [start, events.map(({ i, a }) => [i, a])],
  null,
])
