// Group: keyed beside a Map of bare generators, with many live keys.
import { keyed as keyedFn } from '../../../dist/operators.js'
import { contest } from '../harness.mjs'
import { minimal } from '../peers/minimal.mjs'
import { mapOfGenerators } from './by-hand.mjs'
import { sums } from './functions.mjs'

/** Keys run side by side, so only the order within a key is fixed: the answer is a digest of all results that knows it. */
function digest(results) {
  const places = new Map()
  let sum = 0
  for (const { key, value } of results) {
    const place = (places.get(key) ?? 0) + 1
    places.set(key, place)
    sum = (sum + value * place + key) % 1_000_003
  }
  return `${results.length} results of ${places.size} keys, ${sum}`
}

export async function keyed(options) {
  const keys = options.quick ? 100 : 10_000
  const count = keys * 20
  // Each key in turn, in an order that is not that of its first event.
  const events = Array.from({ length: count }, (_, i) => ({ key: (i * 7919) % keys, value: i & 1023 }))
  const operator = keyedFn(sums, { by: 'key', maxKeys: keys })
  const call = async (source) => {
    const results = []
    for await (const result of operator(source)) results.push(result)
    return results
  }
  const peer = 'Map of bare generators'
  const contestants = {
    [peer]: async () => digest(await mapOfGenerators(sums, minimal(events))),
    'run(array)': async () => digest(await operator.run(events)),
    'run(source)': async () => digest(await operator.run(minimal(events))),
    'fn(source)': async () => digest(await call(minimal(events))),
  }
  const expected = await contestants[peer]()
  const claims = ['run(array)', 'run(source)', 'fn(source)'].map((of) => ({ of, peer, bar: 0.5 }))
  return contest({ title: `keyed, ${keys} live keys`, events: count, contestants, expected, claims, options })
}
