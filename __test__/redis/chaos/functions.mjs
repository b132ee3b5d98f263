// Stream functions of the chaos test, and what they must give: a pure model beside each.

import { streamFn } from 'velo-stream'

/** What one event adds to what was there: the results it brings. */
function step(state, { n, v }) {
  state.count++
  state.total = (state.total * 31 + v) % 1_000_003
  if (n !== state.count - 1) return [`event ${n} where ${state.count - 1} was due`]
  // One in five brings nothing, one in seven two.
  if (n % 5 === 3) return []
  return n % 7 === 6 ? [`${n}:${state.total}`, `${n}+:${v}`] : [`${n}:${state.total}`]
}

const fresh = () => ({ count: 0, total: 7 })

export const functions = {
  /** Comes back by replay. */
  total: streamFn(
    async function* (events) {
      const state = fresh()
      for await (const event of events) yield* step(state, event)
      yield `end:${state.total}`
    },
    { name: 'total' },
  ),
  /** Goes on from its state. */
  kept: streamFn(
    async function* (events, ctx) {
      for await (const event of events) yield* step(ctx.state, event)
      yield `end:${ctx.state.total}`
    },
    { name: 'kept', state: { initial: fresh, version: 1, every: 16 } },
  ),
  /** Asks something of the world at each third event. */
  asked: streamFn(
    async function* (events, ctx) {
      const state = fresh()
      for await (const event of events) {
        const results = step(state, event)
        if (event.n % 3 === 0) yield `${await ctx.run('double', async () => event.v * 2)}`
        yield* results
      }
      yield `end:${state.total}`
    },
    { name: 'asked' },
  ),
}

/** All results of a session that is sent `values`. */
export function expected(name, values) {
  const state = fresh()
  const results = values.flatMap((v, n) => {
    const own = step(state, { n, v })
    return name === 'asked' && n % 3 === 0 ? [`${v * 2}`, ...own] : own
  })
  return [...results, `end:${state.total}`]
}
