// Group: one stream of CPU-bound events on one worker thread, and spread over two.
import { runtime, streamFn } from '../../../dist/index.js'
import { shard as shardFn } from '../../../dist/operators.js'
import { contest } from '../harness.mjs'
import { grind } from '../workers/functions.mjs'

/** How many turns of `grind` take a millisecond here: the best of several, since nothing else is meant by it. */
function turnsOfOneMs() {
  const turns = 1_000
  let best = Infinity
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    grind(i, turns)
    best = Math.min(best, performance.now() - start)
  }
  return Math.round(turns / best)
}

export async function shard(options) {
  const turns = turnsOfOneMs()
  const events = Array.from({ length: options.quick ? 8 : 128 }, (_, i) => [i, turns])
  runtime.configure({ workers: 2 })
  await runtime.warm()
  const fn = streamFn(new URL('./functions.mjs', import.meta.url), { placement: 'worker', export: 'ground' })
  const [ordered, loose] = [shardFn(fn, { shards: 2 }), shardFn(fn, { shards: 2, ordered: false })]
  const expected = events.map(([number]) => grind(number, turns))
  const places = new Map(expected.map((result, place) => [result, place]))
  const peer = 'run(array), one worker'
  const contestants = {
    [peer]: () => fn.run(events),
    'shard over 2 workers': () => ordered.run(events),
    'shard over 2 workers, as they come': async () => (await loose.run(events)).sort((a, b) => places.get(a) - places.get(b)),
  }
  const claims = Object.keys(contestants)
    .slice(1)
    .map((of) => ({ of, peer, bar: 1.7 }))
  return contest({ title: 'shard, 1 ms of work an event', events: events.length, contestants, expected, claims, options })
}
