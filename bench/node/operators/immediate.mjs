// Group: 16 calls at once of an async function that is done at once, beside the pools people write.
import { contest, freshCopy } from '../harness.mjs'
import { numbers } from '../work.mjs'

export async function immediate(options) {
  const { map } = await import('../../../dist/operators.js')
  const events = numbers(options.quick ? 160 : 20_000)
  const names = ['window', 'loops', 'ordered', 'loose', 'call']
  const [sliding, loops, velo, loose, called] = await Promise.all(
    names.map((name) => freshCopy('operators/pools.mjs', `immediate ${name}`)),
  )
  const ordered = map(velo.half, { concurrency: 16 })
  const asTheyCome = map(loose.half, { concurrency: 16, ordered: false })
  const calledFn = map(called.half, { concurrency: 16 })
  const [window, pool] = ['16 under way, by hand', '16 loops over one source, by hand']
  const contestants = {
    [window]: () => sliding.gathered(sliding.slidingWindow(sliding.minimal(events), sliding.half, 16)),
    [pool]: () => loops.loops(loops.minimal(events), loops.half, 16),
    'map, run(source)': () => ordered.run(velo.minimal(events)),
    'map, fn(source)': () => called.gathered(calledFn(called.minimal(events))),
    'map, as completed': () => asTheyCome.run(loose.minimal(events)),
  }
  const claims = Object.keys(contestants)
    .slice(2)
    .flatMap((of) => [
      { of, peer: window, bar: 0.5 },
      // They give nothing before the end, cannot be left, and make two promises an event.
      { of, peer: pool },
    ])
  const expected = events.map((event) => event / 2)
  return contest({ title: 'calls that are done at once, 16 at a time', events: events.length, contestants, expected, claims, options })
}
