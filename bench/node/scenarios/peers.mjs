// What Node.js has itself, and the libraries for it, that the scenarios compare with, each with the same running sum or the same doubling. One that is not there is named in `missing`.
import { compose, Readable, Transform } from 'node:stream'
import { missing, moduleOf } from '../../peers/places.mjs'
import { gather } from '../peers/minimal.mjs'
import { double, sums } from '../workers/functions.mjs'
import { tally } from './ours.mjs'

/** All get the array, as ours does. By name: `sums(events)` and `doubles(events, depth)`. */
export async function libraries() {
  const found = {
    Transform: transforms(),
    'compose of node:stream': composed(),
    TransformStream: web(),
    IxJS: await ix(),
    RxJS: await rx(),
    'Effect Stream': await effect(),
    'streaming-iterables': await streaming(),
  }
  const gone = Object.entries(found).filter(([, library]) => typeof library === 'string')
  return {
    here: Object.fromEntries(Object.entries(found).filter(([, library]) => typeof library !== 'string')),
    note: gone.length > 0 ? gone.map(([, text]) => text).join('; ') : undefined,
  }
}

/** A `Transform` for each stage, piped into the next, and read with `for await`. */
function transforms() {
  const options = { objectMode: true, highWaterMark: 256 }
  const stage = (step) => new Transform({ ...options, transform: (event, _, done) => done(null, step(event)) })
  const through = (events, stages) => gather(stages.reduce((whole, next) => whole.pipe(next), Readable.from(events, options)))
  return {
    async sums(events) {
      let sum = 0
      return tally(await through(events, [stage((event) => (sum += event))]))
    },
    doubles: async (events, depth) =>
      tally(
        await through(
          events,
          stagesOf(depth, () => stage((event) => event * 2)),
        ),
      ),
  }
}

/** The same generators as ours, as one `Duplex`. */
function composed() {
  return {
    sums: async (events) => tally(await gather(compose(Readable.from(events), sums))),
    doubles: async (events, depth) => tally(await gather(compose(Readable.from(events), ...stagesOf(depth, () => double)))),
  }
}

/** Web streams. */
function web() {
  const sizes = { highWaterMark: 256 }
  const stage = (step) => new TransformStream({ transform: (event, to) => to.enqueue(step(event)) }, sizes, sizes)
  const through = (events, stages) => gather(stages.reduce((whole, next) => whole.pipeThrough(next), ReadableStream.from(events)))
  return {
    async sums(events) {
      let sum = 0
      return tally(await through(events, [stage((event) => (sum += event))]))
    },
    doubles: async (events, depth) =>
      tally(
        await through(
          events,
          stagesOf(depth, () => stage((event) => event * 2)),
        ),
      ),
  }
}

const stagesOf = (depth, stage) => Array.from({ length: depth }, stage)

async function ix() {
  const module = await moduleOf('ix/asynciterable')
  if (module === undefined) return missing('ix')
  const { map, scan } = await moduleOf('ix/asynciterable/operators')
  const { from, toArray } = module
  return {
    sums: async (events) => tally(await toArray(from(events).pipe(scan({ seed: 0, callback: (sum, event) => sum + event })))),
    doubles: async (events, depth) =>
      tally(await toArray(Array.from({ length: depth }).reduce((stage) => stage.pipe(map((event) => event * 2)), from(events)))),
  }
}

async function rx() {
  const { concatMap, from, lastValueFrom, map, toArray } = await import('rxjs')
  return {
    async sums(events) {
      let sum = 0
      const awaiting = concatMap(async (event) => (sum += event))
      return tally(await lastValueFrom(from(events).pipe(awaiting, toArray())))
    },
    doubles: async (events, depth) => {
      const stages = Array.from({ length: depth }, () => map((event) => event * 2))
      return tally(await lastValueFrom(from(events).pipe(...stages, toArray())))
    },
  }
}

async function effect() {
  const module = await moduleOf('effect')
  if (module === undefined) return missing('effect')
  const { Effect, Stream } = module
  const of = (events) => Stream.fromIterable(events)
  const collected = async (stream) => tally([...(await Effect.runPromise(Stream.runCollect(stream)))])
  return {
    sums: (events) =>
      collected(
        Stream.mapAccum(
          of(events),
          () => 0,
          (sum, event) => [sum + event, [sum + event]],
        ),
      ),
    doubles: (events, depth) =>
      collected(Array.from({ length: depth }).reduce((stage) => Stream.map(stage, (event) => event * 2), of(events))),
  }
}

async function streaming() {
  const module = await moduleOf('streaming-iterables')
  if (module === undefined) return missing('streaming-iterables')
  const { map } = module
  return {
    async sums(events) {
      let sum = 0
      return tally(await gather(map((event) => (sum += event), events)))
    },
    doubles: async (events, depth) =>
      tally(await gather(Array.from({ length: depth }).reduce((stage) => map((event) => event * 2, stage), events))),
  }
}
