// The call form, `fn(source)`: in lockstep and ahead, here beside the same generator made as cancellable by hand, on a worker thread beside a round trip of
// `postMessage` and beside `run`.
import { pipeline } from 'node:stream/promises'
import { runtime, streamFn } from '../../dist/index.js'
import { contest, document, freshCopy, main, onOneCore } from './harness.mjs'
import { pulledTransform } from './peers/transform.mjs'
import { averages, numbers, pipedAverages } from './work.mjs'
import { Hand } from './workers/hand.mjs'
import { onWorker } from './workers/ours.mjs'

async function pieces(name) {
  const files = ['work.mjs', 'peers/minimal.mjs', 'peers/cancellable.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

const size = (options) => (options.quick ? 1_000 : options.collect ? 5_000 : 50_000)

async function here(options) {
  const events = numbers(size(options))
  const [bare, hand, call, ahead] = await Promise.all(['bare', 'hand', 'call', 'ahead'].map((name) => pieces(`here ${name}`)))
  const [callFn, aheadFn] = [streamFn(call.average), streamFn(ahead.average, { ahead: 1 })]
  const contestants = {
    'bare async function*': () => bare.gather(bare.average(bare.minimal(events))),
    'made cancellable by hand': () => hand.gather(hand.cancellable(hand.average, hand.minimal(events))),
    'Transform, source, for await': () => pulledTransform(bare.minimal(events)),
    'fn(source)': () => call.gather(callFn(call.minimal(events))),
    'fn(source), ahead: 1': () => ahead.gather(aheadFn(ahead.minimal(events))),
  }
  const claims = [
    { of: 'fn(source)', peer: 'made cancellable by hand', bar: 0.9 },
    { of: 'fn(source)', peer: 'Transform, source, for await', bar: 1 },
    { of: 'fn(source)', peer: 'bare async function*' },
    { of: 'fn(source), ahead: 1', peer: 'bare async function*', bar: 0.75 },
    { of: 'fn(source), ahead: 1', peer: 'made cancellable by hand' },
  ]
  return contest({ title: 'a call', events: events.length, expected: averages(events), contestants, claims, options })
}

async function threeStages(options) {
  const events = numbers(size(options) / 2)
  const [bare, call] = [await pieces('three bare'), await pieces('three call')]
  const fn = streamFn(call.increment).pipe(call.double).pipe(call.average)
  const peer = 'three nested generators'
  const contestants = {
    [peer]: () => bare.gather(bare.average(bare.double(bare.increment(bare.minimal(events))))),
    'pipe of three, fn(source)': () => call.gather(fn(call.minimal(events))),
  }
  const claims = [{ of: 'pipe of three, fn(source)', peer, bar: 0.5 }]
  return contest({ title: 'a call of three stages', events: events.length, expected: pipedAverages(events), contestants, claims, options })
}

/** What `sums` answers. */
function summed(events) {
  let sum = 0
  return events.map((event) => (sum += event))
}

/** One event at a time there and back. */
async function lockstep(options) {
  const events = numbers(options.quick ? 100 : 2_000)
  runtime.configure({ workers: 1 })
  await runtime.warm()
  const [hand, fn] = [await Hand.start('sums'), onWorker('sums', { ahead: 0 })]
  const { gather, minimal } = await pieces('lockstep')
  if (options.here) onOneCore()
  const peer = 'postMessage, one at a time'
  const contestants = {
    [peer]: async () => {
      const results = []
      await hand.pingPong(events, (result) => results.push(result))
      return results
    },
    'fn(source), ahead: 0': () => gather(fn(minimal(events))),
  }
  const claims = [{ of: 'fn(source), ahead: 0', peer, bar: 0.9 }]
  const title = 'a call on a worker, in lockstep, on one core'
  const result = await contest({ title, events: events.length, expected: summed(events), contestants, claims, options })
  await hand.stop()
  return result
}

/** With every option at its default. */
async function onThread(options) {
  const events = numbers(options.quick ? 500 : 32_768)
  const { gather, minimal, increment } = await pieces('thread')
  const fn = onWorker('sums')
  const piped = streamFn(increment).pipe(onWorker('sums'))
  const [plain, plainRun] = ['fn(source)', 'run(source)']
  const [pipe, pipeRun] = ['local.pipe(worker)(source)', 'local.pipe(worker).run(source)']
  const sum = (results) => results.reduce((all, one) => all + one, 0)
  const contestants = {
    [plainRun]: async () => sum(await fn.run(minimal(events))),
    [plain]: async () => sum(await gather(fn(minimal(events)))),
    'pipeline(source, fn, sink)': async () => sum(await pipeline(minimal(events), fn, gather)),
    // One more for each of the n events before it: the sum of the sums grows by the triangular numbers.
    [pipeRun]: async () => sum(await piped.run(minimal(events))) - (events.length * (events.length + 1)) / 2,
    [pipe]: async () => sum(await gather(piped(minimal(events)))) - (events.length * (events.length + 1)) / 2,
  }
  const claims = [
    { of: plain, peer: plainRun, bar: 0.8 },
    { of: 'pipeline(source, fn, sink)', peer: plainRun, bar: 0.8 },
    { of: pipe, peer: pipeRun, bar: 0.8 },
  ]
  const title = 'a call on a worker, ahead by default'
  return contest({
    title,
    events: events.length,
    expected: sum(summed(events)),
    contestants,
    claims,
    options: { ...options, warmup: options.quick ? 0 : 15 },
  })
}

export function calls(options) {
  return document('calls', [here, threeStages, lockstep, onThread], options)
}

await main(import.meta, calls)
