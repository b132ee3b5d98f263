// Bursts: thousands of timers due at once. How late the last one comes, what that does to another thread, and what a look at the metrics of one
// function costs beside many streams of others. Owns the figures; that nothing is lost is shown by the tests.
import { Worker } from 'node:worker_threads'
import { streamFn } from '../../dist/index.js'
import { addClaim, document, main, median, tidyUp } from './harness.mjs'

const DUE = 50
/** A burst of so many may come so late, ms: a start, and 5 us each. */
const allowed = (count) => 20 + count * 0.005
const STALL_MS = 50
const METRICS_RATIO = 4

async function* same(events) {
  for await (const event of events) yield event
}

const open = (fn, count) => Array.from({ length: count }, () => fn.open())

function busy(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Nothing of the library keeps a process alive for `closed` alone. */
async function held(work) {
  const hold = setInterval(() => {}, 1000)
  try {
    return await work()
  } finally {
    clearInterval(hold)
  }
}

async function repeated(options, work) {
  const values = []
  for (let round = -1; round < options.rounds; round++) {
    tidyUp()
    const value = await work()
    if (round >= 0 || options.quick) values.push(value)
  }
  return median(values)
}

/** How long after the last one was due and the thread was free all have settled. */
async function reads(count) {
  const streams = open(streamFn(same, { idleTimeout: 0, maxConcurrent: count }), count)
  let late = 0
  const all = streams.map((stream) => stream.recv({ timeout: DUE }).catch(({ code }) => void (late += code === 'VELO_TIMEOUT')))
  const last = performance.now() + DUE
  await Promise.all(all)
  const after = performance.now() - last
  if (late !== count) throw new Error(`${late} of ${count} reads timed out`)
  await Promise.all(streams.map((stream) => stream.close()))
  return after
}

async function lives(count) {
  const fn = streamFn(same, { idleTimeout: 0, maxDuration: DUE, maxConcurrent: count })
  const ends = open(fn, count).map((stream) => stream.closed)
  const last = performance.now() + DUE
  await Promise.all(ends)
  if (fn.metrics.closedBy.aborted !== count) throw new Error(`${fn.metrics.closedBy.aborted} of ${count} were aborted`)
  return performance.now() - last
}

async function byHand(count) {
  const streams = open(streamFn(same, { idleTimeout: 0, maxConcurrent: count }), count)
  const ends = streams.map((stream) => stream.closed)
  const start = performance.now()
  for (const stream of streams) stream.abort(new Error('by hand'))
  await Promise.all(ends)
  return performance.now() - start
}

async function lateness(options) {
  const [some, many] = options.quick ? [50, 100] : [5_000, 10_000]
  const rows = await held(async () => [
    { name: `${some} recv({ timeout: ${DUE} })`, value: await repeated(options, () => reads(some)), unit: 'ms' },
    { name: `${many} maxDuration: ${DUE}`, value: await repeated(options, () => lives(many)), unit: 'ms' },
    { name: `${many} abort()`, value: await repeated(options, () => byHand(many)), unit: 'ms' },
  ])
  addClaim(rows, { of: rows[0].name, bar: allowed(some), most: true }, rows[0].value)
  addClaim(rows, { of: rows[1].name, bar: allowed(many), most: true }, rows[1].value - rows[2].value)
  return { title: 'the last of a burst, late by (less what the same aborts take by hand)', rows }
}

/** Runs in a worker: opens and aborts until told to stop; the longest it took. */
const ELSEWHERE = `
  const { workerData, parentPort } = require('node:worker_threads')
  import(workerData.library).then(async ({ streamFn }) => {
    const fn = streamFn(async function* (events) { yield* events })
    const once = async () => { const stream = fn.open(); stream.abort(); await stream.closed }
    for (let i = 0; i < 1000; i++) await once()
    const flag = new Int32Array(workerData.flag)
    parentPort.postMessage('ready')
    Atomics.wait(flag, 0, 0)
    let longest = 0
    while (Atomics.load(flag, 0) === 1) {
      const start = performance.now()
      await once()
      longest = Math.max(longest, performance.now() - start)
    }
    parentPort.postMessage(longest)
  })`

async function stalled(count, idleTimeout) {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { library: new URL('../../dist/index.js', import.meta.url).href, flag: flag.buffer }
  const worker = new Worker(ELSEWHERE, { eval: true, workerData })
  const message = () => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await message()
  const streams = open(streamFn(same, { idleTimeout, maxConcurrent: count }), count)
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  busy(1_000) // ten timeouts of each
  Atomics.store(flag, 0, 2)
  const longest = await message()
  await worker.terminate()
  if (idleTimeout === 0) for (const stream of streams) stream.abort()
  const ends = await held(() => Promise.all(streams.map((stream) => stream.closed)))
  const wanted = idleTimeout === 0 ? 'aborted' : 'idle'
  if (!ends.every(({ reason }) => reason === wanted)) throw new Error('a silent stream ended otherwise')
  return longest
}

async function elsewhere(options) {
  const count = options.quick ? 100 : 50_000
  const few = { ...options, rounds: Math.min(options.rounds, 5) }
  const rows = [
    { name: 'open and abort, the longest', value: await repeated(few, () => stalled(count, 100)), unit: 'ms' },
    { name: 'the same, none due', value: await repeated(few, () => stalled(count, 0)), unit: 'ms' },
  ]
  addClaim(rows, { of: rows[0].name, bar: STALL_MS, most: true }, rows[0].value - rows[1].value)
  return { title: `another thread, while ${count} idle timers of a blocked one are due (less what the scheduler does without)`, rows }
}

async function metrics(options) {
  const count = options.quick ? 100 : 50_000
  const fn = streamFn(same)
  fn.open().abort()
  const look = () => {
    const times = []
    for (let i = 0; i < 500; i++) {
      const start = performance.now()
      if (fn.metrics.streamsOpened !== 1) throw new Error('another count')
      times.push((performance.now() - start) * 1000)
    }
    return median(times)
  }
  const alone = await repeated(options, look)
  const streams = open(streamFn(same, { idleTimeout: 0, maxConcurrent: count }), count)
  const beside = await repeated(options, look)
  for (const stream of streams) stream.abort()
  const rows = [
    { name: `beside ${count} of another`, value: beside, unit: 'us' },
    { name: 'alone', value: alone, unit: 'us' },
  ]
  addClaim(rows, { of: rows[0].name, peer: rows[1].name, bar: METRICS_RATIO, most: true }, beside / alone)
  return { title: 'fn.metrics', rows }
}

export function timers(options) {
  return document('timers', [lateness, elsewhere, metrics], options)
}

await main(import.meta, timers)
