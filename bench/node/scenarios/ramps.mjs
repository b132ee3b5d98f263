// Throughput by the size of events, by the length of a stream, by the number of streams, by the depth of a pipe. Owns: these four ramps.
import { streamFn } from '../../../dist/index.js'
import { startPython } from '../../peers/asked.mjs'
import { missing } from '../../peers/places.mjs'
import { checkAnswer } from '../harness.mjs'
import { gather } from '../peers/minimal.mjs'
import { double, echo, sums } from '../workers/functions.mjs'
import { Hand } from '../workers/hand.mjs'
import { onWorker } from '../workers/ours.mjs'
import { batched, crowd, crowdInBatches, expected, live, local, queued, tally, worker } from './ours.mjs'
import { libraries } from './peers.mjs'
import { ramp } from './race.mjs'

const numbers = (n) => Array.from({ length: n }, (_, at) => at)
const perSecond = (events) => (ms) => (events / ms) * 1000
const note = (...gone) => gone.flat().filter(Boolean).join('; ') || undefined

/** What a peer in Python answers, as every contestant does. */
const python = (peer, job) => async () => {
  const { ms, count, last } = await peer.ask(job)
  return { ms, answer: { count, last }, mayLose: true }
}

/** One after the other on an idle machine takes the same time at any number of events, so a point has as many as take long enough to be timed. */
const enough = (options, n) => (options.quick ? Math.min(n, 200) : n)

/** Frames of one size, of which few are made: a million bytes each would be what is measured otherwise. */
function framesOf(size, count) {
  const few = Array.from({ length: 16 }, () => new Uint8Array(size).fill(255))
  return Array.from({ length: count }, (_, at) => few[at % few.length])
}

export async function payload(options) {
  const velo = startPython('velo')
  // As many events under way as ours has with its default buffers, on the way there and back.
  const hand = await Hand.start('echo', { window: 512 })
  const [here, there] = [streamFn(echo), onWorker('echo')]
  const at = (size) => {
    const n = enough(options, 20_000)
    const whole = { count: n, last: n * size }
    const bytes = ({ count, last }) => ({ count, last: count * last.length })
    // What is copied from thread to thread, or read by Python, has fewer of the large ones.
    const part = (most, work) => {
      const count = Math.min(n, Math.max(50, Math.floor(most / size)))
      const frames = framesOf(size, count)
      return scaled(() => timed(() => work(frames)), n / count, { count, last: count * size }, whole)
    }
    const frames = framesOf(size, n)
    const byHand = async (frames) => {
      const results = []
      await hand.through(frames, (result) => results.push(result))
      return bytes(tally(results))
    }
    const few = Math.min(n, Math.max(50, Math.floor(2e7 / size)), 500)
    const contestants = {
      'velo-stream': async () => bytes(await live(here, frames)),
      'velo-stream, batches': async () => bytes(await batched(here, frames)),
      'velo-stream, worker': part(2e8, async (frames) => bytes(await live(there, frames))),
      'velo-stream, worker, batches': part(2e8, async (frames) => bytes(await batched(there, frames))),
      'queue by hand': async () => bytes(await queued(echo, frames)),
      'postMessage by hand': part(2e8, byHand),
      ...(velo && {
        'velo for Python': scaled(python(velo, { case: 'payload', size, n: few }), n / few, { count: few, last: few * size }, whole),
      }),
    }
    return { contestants, expected: whole, unit: 'events/s', toValue: perSecond(n) }
  }
  const xs = [64, 1024, 65_536, 1_048_576]
  const group = await ramp({ title: 'throughput by the size of events', xTitle: 'bytes of an event', picture: 'payload', xs, at, options })
  await velo?.stop()
  await hand.stop()
  return { ...group, note: note(group.lost, velo ? undefined : missing('velo')) }
}

/** The answer of some work and how long it took. */
async function timed(work) {
  const begun = performance.now()
  const answer = await work()
  return { ms: performance.now() - begun, answer }
}

/** Who is so slow that it does a part of the work: its time, as if it had done all. What it answers is checked for its part. */
function scaled(work, times, part, whole) {
  return async () => {
    const { ms, answer, mayLose } = await work()
    if (mayLose && answer.count < part.count) return { ms, answer: { ...whole, count: whole.count - part.count + answer.count }, mayLose }
    checkAnswer('a part', answer, part)
    return { ms: ms * times, answer: whole }
  }
}

export async function length(options) {
  const velo = startPython('velo')
  const bytewax = startPython('bytewax')
  const { here: others, note: gone } = await libraries()
  const [fn, there] = [local(), worker()]
  const at = (n) => {
    const events = numbers(n)
    const turns = Math.max(1, Math.floor((options.quick ? 100 : 20_000) / n))
    const each = (work) => async () => {
      let answer
      for (let turn = 0; turn < turns; turn++) answer = await work(events)
      return answer
    }
    const inPython = (peer) => async () => {
      const { ms, answer } = await python(peer, { case: 'run', n })()
      return { ms: ms * turns, answer, mayLose: true }
    }
    const contestants = {
      'velo-stream': each(async () => tally(await fn.run(events))),
      'velo-stream, live': each(() => live(fn, events)),
      'velo-stream, batches': each(() => batched(fn, events)),
      'velo-stream, worker': each(async () => tally(await there.run(events))),
      'velo-stream, worker, batches': each(() => batched(there, events)),
      'queue by hand': each(() => queued(sums, events)),
      'bare generator': each(async () => tally(await gather(sums(events)))),
      ...Object.fromEntries(Object.entries(others).map(([name, library]) => [name, each(library.sums)])),
      ...(velo && { 'velo for Python': inPython(velo) }),
      ...(bytewax && { Bytewax: inPython(bytewax) }),
    }
    return {
      contestants,
      expected: expected(n),
      unit: 'events/s',
      toValue: perSecond(n * turns),
      bars: { 'velo for Python': 500, Bytewax: 10 },
    }
  }
  const xs = [10, 100, 1_000, 10_000, 100_000]
  const group = await ramp({
    title: 'throughput by the length of a stream',
    xTitle: 'events of a stream',
    picture: 'length',
    xs,
    at,
    options,
  })
  await velo?.stop()
  await bytewax?.stop()
  return { ...group, note: note(group.lost, gone, velo ? undefined : missing('velo'), bytewax ? undefined : missing('bytewax')) }
}

export async function streams(options) {
  const velo = startPython('velo')
  const [fn, there] = [local(), worker()]
  const at = (count) => {
    const rounds = Math.max(2, Math.floor((options.quick ? 20 : 20_000) / count))
    const contestants = {
      'velo-stream': () => crowd(fn, count, rounds),
      'velo-stream, batches': () => crowdInBatches(fn, count, rounds),
      'velo-stream, worker': () => crowd(there, count, rounds),
      'velo-stream, worker, batches': () => crowdInBatches(there, count, rounds),
      'Map with locks and timers': () => inMap(count, rounds),
      ...(velo && count <= 1_000 && { 'velo for Python': inParts(velo, count, rounds) }),
    }
    return { contestants, expected: { count: count * rounds, last: count * rounds }, unit: 'events/s', toValue: perSecond(count * rounds) }
  }
  const xs = [1, 10, 100, 1_000, 10_000, 100_000]
  const group = await ramp({ title: 'throughput by the number of streams', xTitle: 'streams at once', picture: 'streams', xs, at, options })
  await velo?.stop()
  return { ...group, note: note(group.lost, velo ? undefined : missing('velo')) }
}

/** velo for Python does few rounds: from the sixth stream on one takes seconds. */
function inParts(velo, count, rounds) {
  const few = Math.min(rounds, count > 4 ? 2 : 500)
  const of = (rounds) => ({ count: count * rounds, last: count * rounds })
  return scaled(python(velo, { case: 'crowd', streams: count, rounds: few }), rounds / few, of(few), of(rounds))
}

/** What people write without streams: a Map of states, a lock for each that keeps its events in order, a timer for each that forgets it. */
async function inMap(count, rounds) {
  const sessions = new Map()
  const on = (key, event) => {
    let session = sessions.get(key)
    if (session === undefined) sessions.set(key, (session = { sum: 0, lock: Promise.resolve(), timer: undefined }))
    const turn = session.lock.then(() => {
      clearTimeout(session.timer)
      session.timer = setTimeout(() => sessions.delete(key), 30_000)
      return (session.sum += event)
    })
    session.lock = turn
    return turn
  }
  let total = 0
  for (let round = 0; round < rounds; round++) {
    const results = await Promise.all(Array.from({ length: count }, (_, key) => on(key, 1)))
    if (round === rounds - 1) for (const result of results) total += result
  }
  for (const { timer } of sessions.values()) clearTimeout(timer)
  return { count: count * rounds, last: total }
}

export async function depth(options) {
  const [velo, conveyor, bytewax] = ['velo', 'conveyor', 'bytewax'].map(startPython)
  const { here: others, note: gone } = await libraries()
  const n = enough(options, 10_000)
  const events = numbers(n)
  const at = (stages) => {
    const more = Array.from({ length: stages - 1 })
    const pipe = more.reduce((fn) => fn.pipe(double), streamFn(double))
    const there = more.reduce((fn) => fn.pipe(onWorker('double')), onWorker('double'))
    const bare = async () => tally(await gather([undefined, ...more].reduce((results) => double(results), events)))
    const few = Math.ceil(n / 5)
    const inPython = (peer) => async () => {
      const { ms, answer } = await python(peer, { case: 'pipe', depth: stages, n: few })()
      // Too few results are a fact about that peer; a wrong one is a mistake here.
      if (answer.count < few) return { ms, answer: { ...answer, count: Math.floor((answer.count * n) / few) }, mayLose: true }
      if (answer.last !== (few - 1) * 2 ** stages) throw new Error(`a pipe in Python answered ${JSON.stringify(answer)}`)
      return { ms: (ms * n) / few, answer: { count: n, last: (n - 1) * 2 ** stages } }
    }
    const contestants = {
      'velo-stream': async () => tally(await pipe.run(events)),
      'velo-stream, batches': () => batched(pipe, events),
      'velo-stream, worker': async () => tally(await there.run(events)),
      'velo-stream, worker, batches': () => batched(there, events),
      'bare generators': bare,
      ...Object.fromEntries(Object.entries(others).map(([name, library]) => [name, () => library.doubles(events, stages)])),
      ...(velo && { 'velo for Python': inPython(velo) }),
      ...(conveyor && { Conveyor: inPython(conveyor) }),
      ...(bytewax && { Bytewax: inPython(bytewax) }),
    }
    return {
      contestants,
      expected: { count: n, last: (n - 1) * 2 ** stages },
      unit: 'events/s',
      toValue: perSecond(n),
      bars: { Conveyor: 100 },
    }
  }
  const group = await ramp({
    title: 'throughput by the depth of a pipe',
    xTitle: 'stages',
    picture: 'depth',
    xs: [1, 2, 3, 4, 8, 16],
    at,
    options,
  })
  for (const peer of [velo, conveyor, bytewax]) await peer?.stop()
  const python3 = [velo ?? missing('velo'), conveyor ?? missing('conveyor'), bytewax ?? missing('bytewax')]
  return { ...group, note: note(group.lost, gone, ...python3.filter((peer) => typeof peer === 'string')) }
}
