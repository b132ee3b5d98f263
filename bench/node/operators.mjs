// Operators beside what people would use instead.
import { filter, map } from '../../dist/operators.js'
import { contest, document, freshCopy, main } from './harness.mjs'
import { immediate } from './operators/immediate.mjs'
import { keyed, keyedBriefly } from './operators/keyed.mjs'
import { merged } from './operators/merged.mjs'
import { shard } from './operators/shard.mjs'
import { duplex, feed } from './operators/through.mjs'
import { numbers } from './work.mjs'

const pieces = (name) => freshCopy('peers/chains.mjs', name)

async function syncChain(options) {
  const events = numbers(options.quick ? 1_000 : 50_000)
  const [run, call, hand, node, rx, ix] = await Promise.all(['velo run', 'velo call', 'hand', 'node', 'rx', 'ix'].map(pieces))
  const chain = ({ plusOne, notByThree, timesTwo }) => map(plusOne).pipe(filter(notByThree)).pipe(map(timesTwo))
  const [runFn, callFn] = [chain(run), chain(call)]
  const [ofRx, ofIx] = [await rx.ofRx(), await ix.ofIx()]
  const contestants = {
    'map|filter|map, run(source)': () => runFn.run(run.source(events)),
    'map|filter|map, fn(source)': async () => {
      const results = []
      for await (const result of callFn(call.source(events))) results.push(result)
      return results
    },
    'one generator by hand': () => hand.byHand(events),
    'Readable.map().filter().map()': () => node.ofReadable(events),
    RxJS: () => ofRx(events),
    IxJS: () => ofIx(events),
  }
  const [of, called] = Object.keys(contestants)
  const claims = [
    { of, peer: 'Readable.map().filter().map()', bar: 5 },
    { of, peer: 'RxJS', bar: 1 },
    { of, peer: 'IxJS', bar: 1 },
    { of, peer: 'one generator by hand' },
    { of: called, peer: 'Readable.map().filter().map()', bar: 5 },
    { of: called, peer: 'RxJS' },
  ]
  const title = 'a synchronous chain over an async generator'
  return contest({ title, events: events.length, expected: run.chained(events), contestants, claims, options })
}

async function mapConcurrent(options) {
  const events = numbers(options.quick ? 160 : 3_200)
  const [ideal, velo, loose] = await Promise.all(['ideal', 'velo', 'loose'].map(pieces))
  const ordered = map(velo.waitOne, { concurrency: 16 })
  const asTheyCome = map(loose.waitOne, { concurrency: 16, ordered: false })
  const peer = '16 loops over an array'
  const contestants = {
    [peer]: () => ideal.workers(events, 16),
    'map, ordered, 16 at once': () => ordered.run(velo.source(events)),
    'map, as completed, 16 at once': async () => (await asTheyCome.run(loose.source(events))).sort((a, b) => a - b),
  }
  const claims = Object.keys(contestants)
    .slice(1)
    .map((of) => ({ of, peer, bar: 0.95 }))
  return contest({ title: 'calls of 1 ms', events: events.length, expected: events, contestants, claims, options })
}

export function operators(options) {
  return document('operators', [syncChain, mapConcurrent, immediate, keyed, keyedBriefly, merged, duplex, feed, shard], options)
}

await main(import.meta, operators)
