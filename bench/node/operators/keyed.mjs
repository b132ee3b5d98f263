// Group: keyed beside a Map of bare generators, with many live keys.
import { streamFn } from '../../../dist/index.js'
import { keyed as keyedFn } from '../../../dist/operators.js'
import { contest, freshCopy } from '../harness.mjs'
import { minimal } from '../peers/minimal.mjs'
import { mapOfGenerators } from './by-hand.mjs'
import { sums } from './functions.mjs'

const [bare, streams] = await Promise.all(['bare', 'streams'].map((name) => freshCopy('operators/functions.mjs', `keyed ${name}`)))

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

/** Few events of each key: what an instance costs. */
export async function keyedBriefly(options) {
  const keys = options.quick ? 100 : 10_000
  const events = eventsOf(keys, 3)
  const operator = keyedFn(sums, { by: 'key', maxKeys: keys })
  const ofStreams = keyedFn(streamFn(streams.sums, { maxConcurrent: keys }), { by: 'key', maxKeys: keys })
  const [hand, functions] = ['Map of bare generators', 'run(source), stream functions']
  const contestants = {
    [hand]: async () => digest(await mapOfGenerators(bare.sums, minimal(events))),
    'run(source)': async () => digest(await operator.run(minimal(events))),
    [functions]: async () => digest(await ofStreams.run(minimal(events))),
  }
  const expected = await contestants[hand]()
  const claims = [
    { of: 'run(source)', peer: hand, bar: 0.5 },
    // A stream for each key: row, permit and deadlines of its own.
    { of: functions, peer: hand },
  ]
  return contest({ title: `keyed, 3 events of each of ${keys} keys`, events: events.length, contestants, expected, claims, options })
}

/** Each key in turn, in an order that is not that of its first event. */
function eventsOf(keys, each) {
  return Array.from({ length: keys * each }, (_, i) => ({ key: (i * 7919) % keys, value: i & 1023 }))
}

export async function keyed(options) {
  const keys = options.quick ? 100 : 10_000
  const events = eventsOf(keys, 20)
  const count = events.length
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
