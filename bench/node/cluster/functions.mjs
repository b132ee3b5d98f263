// What sessions of the benches do: a running sum, by replay, with something done for each event, and from a state.
import { streamFn } from '../../../dist/index.js'

export const functions = {
  sum: streamFn(
    async function* sum(events) {
      let total = 0
      for await (const { n } of events) yield (total += n)
    },
    { name: 'sum' },
  ),
  runs: streamFn(
    async function* runs(events, ctx) {
      let total = 0
      for await (const { n } of events) yield (total += await ctx.run('n', () => n))
    },
    { name: 'runs' },
  ),
  kept: streamFn(
    async function* kept(events, ctx) {
      for await (const { n } of events) yield (ctx.state.total += n)
    },
    { name: 'kept', state: { initial: { total: 0 }, version: 1 } },
  ),
}
