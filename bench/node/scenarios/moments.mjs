// From opening a stream to its first result, and from an event to its result: microseconds, as quantiles. Owns: these two scenarios.

import { startFlink, startPython } from '../../peers/asked.mjs'
import { missing } from '../../peers/places.mjs'
import { redisOnLoopback } from '../durable/redis.mjs'
import { addClaim, checkAnswer, middleOf, shuffled, tidyUp } from '../harness.mjs'
import { Queue } from '../peers/queue.mjs'
import { averageTransformStream } from '../peers/web.mjs'
import { sums } from '../workers/functions.mjs'
import { Hand } from '../workers/hand.mjs'
import { Tasks } from '../workers/tasks.mjs'
import { batchTrips, expected, firstBatches, firsts, local, trips, worker } from './ours.mjs'

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99, max: 1 }

export function quantilesOf(times) {
  const sorted = [...times].sort((a, b) => a - b)
  return Object.fromEntries(
    Object.entries(QUANTILES).map(([name, share]) => [name, sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]]),
  )
}

/** Rounds of contestants that answer `{ times, answer }` or quantiles; a row for each of these. */
async function quantiles({ title, contestants, expected, note, bars, options }) {
  const names = Object.keys(contestants)
  const rounds = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = options.quick ? 0 : -1; round < options.rounds; round++) {
    for (const name of shuffled(names, round + 1)) {
      tidyUp()
      const said = await contestants[name]()
      checkAnswer(name, said.answer, expected)
      if (round >= 0) rounds[name].push(said.times === undefined ? said : quantilesOf(said.times))
    }
  }
  const rows = Object.keys(QUANTILES).flatMap((quantile) =>
    names.map((name) => {
      const values = rounds[name].map((round) => round[quantile])
      return {
        name: `${name}, ${quantile}`,
        ...middleOf(values),
        unit: 'us',
        quantile,
        contestant: name,
      }
    }),
  )
  for (const peer of names.filter((name) => !name.startsWith('velo-stream'))) {
    const ours = /^(postMessage|Piscina)/.test(peer) ? 'velo-stream, worker' : 'velo-stream'
    const ratios = rounds[peer].map(({ p50 }, round) => p50 / rounds[ours][round].p50)
    addClaim(rows, { of: `${ours}, p50`, peer: `${peer}, p50`, bar: bars[peer] }, ratios)
  }
  return { title, rows, note, quantiles: true }
}

/** A peer in another language for a case that answers quantiles. */
function python(peer, job) {
  return async () => {
    const { count, last, ms: _ms, ...said } = await peer.ask(job)
    return { ...said, answer: { count, last } }
  }
}

export async function startup(options) {
  const n = options.quick ? 20 : 500
  const [velo, bytewax] = [startPython('velo'), startPython('bytewax')]
  const [flink, noFlink] = startFlink()
  const byQueue = async () => {
    const times = []
    for (let at = 0; at < n; at++) {
      const begun = performance.now()
      const queue = new Queue()
      const generator = sums(queue)
      await queue.send(7)
      const { value } = await generator.next()
      if (value !== 7) throw new Error(`a queue answered ${value}`)
      times.push((performance.now() - begun) * 1000)
      queue.end()
      await generator.next()
    }
    return { times, answer: { count: n, last: 7 } }
  }
  const byWeb = async () => {
    const times = []
    for (let at = 0; at < n; at++) {
      const begun = performance.now()
      const { readable, writable } = averageTransformStream()
      const [writer, reader] = [writable.getWriter(), readable.getReader()]
      void writer.write(7)
      const { value } = await reader.read()
      if (value !== 7) throw new Error(`a TransformStream answered ${value}`)
      times.push((performance.now() - begun) * 1000)
      await writer.close()
    }
    return { times, answer: { count: n, last: 7 } }
  }
  const [here, there] = [local(), worker()]
  const contestants = {
    'velo-stream': () => firsts(here, n),
    'velo-stream, batch API': () => firstBatches(here, n),
    'velo-stream, worker': () => firsts(there, n),
    'velo-stream, worker, batch API': () => firstBatches(there, n),
    'queue by hand': byQueue,
    TransformStream: byWeb,
    ...(velo && { 'velo for Python': python(velo, { case: 'first', n }) }),
    // Fewer of these: each takes as long as hundreds or millions of the others.
    ...(bytewax && { 'Bytewax, a flow of one item': fewer(python(bytewax, { case: 'first', n: Math.min(n, 100) }), n) }),
    ...(flink && { 'Flink, a job of one item': fewer(python(flink, { case: 'first', n: Math.min(n, options.quick ? 1 : 3) }), n) }),
  }
  const note = [velo ? [] : missing('velo'), bytewax ? [] : missing('bytewax'), noFlink ?? []].flat().join('; ') || undefined
  const bars = { 'Bytewax, a flow of one item': 200, 'Flink, a job of one item': 10_000 }
  const group = await quantiles({
    bars,
    title: 'from opening a stream to its first result',
    contestants,
    expected: { count: n, last: 7 },
    note,
    options,
  })
  await velo?.stop()
  await bytewax?.stop()
  await flink?.stop()
  return { ...group, picture: 'startup' }
}

const fewer = (work, n) => async () => {
  const said = await work()
  return { ...said, answer: { ...said.answer, count: n } }
}

export async function latency(options) {
  const n = options.quick ? 50 : 5_000
  const velo = startPython('velo')
  const redis = await redisOnLoopback()
  const hand = await Hand.start('sums')
  const pool = await Tasks.started(1)
  const numbers = Array.from({ length: n }, (_, at) => at)
  const byHand = async () => {
    const [times, results] = [[], []]
    await hand.pingPong(numbers, (result) => results.push(result), times)
    return { times, answer: { count: results.length, last: results.at(-1) } }
  }
  const byTasks = async () => {
    const [times, results] = [[], []]
    await pool.through(
      numbers.map((value) => ({ value })),
      ({ value }) => results.push(value),
      times,
    )
    return { times, answer: { count: results.length, last: results.at(-1) } }
  }
  const byQueue = async () => {
    const times = []
    const queue = new Queue()
    const results = sums(queue)
    let last
    for (let event = 0; event < n; event++) {
      const begun = performance.now()
      await queue.send(event)
      last = (await results.next()).value
      times.push((performance.now() - begun) * 1000)
    }
    queue.end()
    await results.next()
    return { times, answer: { count: n, last } }
  }
  const byRedis = async () => {
    const times = []
    await redis.client.del('sum')
    let sum
    for (const event of numbers) {
      const begun = performance.now()
      sum = Number((await redis.client.get('sum')) ?? 0) + event
      await redis.client.set('sum', String(sum))
      times.push((performance.now() - begun) * 1000)
    }
    return { times, answer: { count: n, last: sum } }
  }
  const [here, there] = [local(), worker()]
  const contestants = {
    'velo-stream': () => trips(here, n),
    'velo-stream, a batch of 64': () => batchTrips(here, n, 64),
    'velo-stream, worker': () => trips(there, n),
    'velo-stream, worker, a batch of 64': () => batchTrips(there, n, 64),
    'queue by hand': byQueue,
    'postMessage by hand': byHand,
    'Piscina, state in the task': byTasks,
    ...(typeof redis !== 'string' && { 'state in Redis': byRedis }),
    ...(velo && { 'velo for Python': python(velo, { case: 'trips', n }) }),
  }
  const note = [velo ? [] : missing('velo'), typeof redis === 'string' ? redis : []].flat().join('; ') || undefined
  const bars = { 'velo for Python': 500, 'state in Redis': 50 }
  const group = await quantiles({ bars, title: 'from an event to its result', contestants, expected: expected(n), note, options })
  await velo?.stop()
  await hand.stop()
  await pool.stop()
  if (typeof redis !== 'string') await redis.close()
  return { ...group, picture: 'latency' }
}
