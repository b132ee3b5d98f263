// The add-on in worker threads that the user made: each isolate has streams of its own, local ones and ones on worker threads of its own, and is
// terminated at a random moment. Nothing crashes, and nothing of a dead isolate is left. A batch of terminations is a process of its own.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { child } from '../support/child.mjs'

const SEED = Number(process.env.VELO_TEST_SEED ?? Date.now() % 1_000_000)
const url = (name) => JSON.stringify(new URL(name, import.meta.url).href)

/** How many isolates a batch terminates, each at some moment of its life. */
const BATCH = 50
/** A second line of Node.js is content with fewer of them. */
const ISOLATES = process.env.VELO_LESS === 'true' ? 100 : 500
const AT_ONCE = 4

/** Goes on until it is terminated; says where it is now and then, so that moments can be chosen. `{ placed, exits }`. */
const isolate = `
  import { parentPort, workerData } from 'node:worker_threads'
  import { runtime, streamFn } from ${JSON.stringify(import.meta.resolve('velo-stream'))}
  const { placed, exits } = workerData
  parentPort.postMessage('imported')
  async function* pass(events) { try { for await (const event of events) yield event } finally { parentPort.postMessage('finally') } }
  const local = streamFn(pass, { idleTimeout: 5, maxDuration: 50000, buffer: 8 })
  const away = streamFn(${url('functions/relay.mjs')}, { placement: 'worker', buffer: 8 })
  const hangs = streamFn(async function* (events) { for await (const event of events) { await new Promise(() => {}); yield event } }, { closeTimeout: 2 })
  runtime.configure({ workers: 1 + (workerData.seed & 1) })
  const fns = placed ? [local, away, away.pipe(away), local.pipe(away)] : [local, local.pipe(pass)]
  for (let i = 0; i < 30; i++) local.open().send(i)
  const lane = async (fn) => {
    for (let round = 0; ; round++) {
      const stream = fn.open()
      for (let i = 0; i < 12; i++) stream.send({ i, bytes: new Uint8Array(i * 3000) }).catch(() => {})
      stream.recv({ timeout: 3 }).catch(() => {})
      for (let i = 0; i < 5; i++) await stream.recv()
      if (round % 4 === 0) stream.abort()
      else if (round % 4 === 1) await stream.close()
      else if (round % 4 === 2) { stream.end(); for await (const _ of stream); }
      await fn.run([1, 2, 3])
      const held = hangs.open()
      held.send(1)
      held.close()
      parentPort.postMessage('round')
      if (exits && round === exits) process.exit(0)
    }
  }
  await Promise.all(fns.map(lane))
`

const batch = (seed) => `
  import { Worker } from 'node:worker_threads'
  import { runtime, streamFn } from 'velo-stream'
  import { random } from ${url('../support/random.mjs')}
  import { until } from ${url('../support/deferred.mjs')}
  const { below, float } = random(${seed})
  const source = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(isolate)}))
  const errors = []
  let ended = 0
  let begun = 0
  let exited = 0
  const one = (seed) => new Promise((resolve) => {
    const moment = below(40) // how many messages it may send; at 0 it is terminated as it starts
    const exits = float() < 0.2 ? 1 + below(3) : 0
    const worker = new Worker(source, { workerData: { placed: seed % 2 === 0, exits, seed }, execArgv: [] })
    let messages = 0
    worker.on('message', () => { if (messages++ === 0) begun++; if (messages === moment) worker.terminate() })
    worker.on('error', (error) => errors.push(error.stack))
    worker.on('exit', (code) => { ended++; if (code === 0) exited++; resolve() })
    if (moment === 0) setTimeout(() => worker.terminate(), float() * 60)
  })
  // Streams of this isolate go on all the time.
  const mine = streamFn(async function* (events) { for await (const event of events) yield event }, { idleTimeout: 0 })
  const away = streamFn(${url('functions/relay.mjs')}, { placement: 'worker', idleTimeout: 0 })
  const held = [mine.open(), away.open()]
  let over = false
  const working = (async () => { for (let n = 0; !over; n++) for (const stream of held) {
    await stream.send(n)
    if (await stream.recv() !== n) throw new Error('a wrong result')
    await new Promise(setImmediate)
  } })()
  let next = 0
  await Promise.all(Array.from({ length: ${AT_ONCE} }, async () => { while (next < ${BATCH}) await one(next++) }))
  over = true
  await working
  await Promise.all(held.map((stream) => stream.close()))
  await until(5000, () => runtime.snapshot().streamsOpen === 0, 'the streams of the dead')
  console.log(JSON.stringify({ ended, errors, begun: begun > ${BATCH / 2}, detached: runtime.snapshot().streamsDetached }))
`

describe('the add-on in worker threads of the user', { concurrency: 2 }, () => {
  for (let i = 0; i < ISOLATES / BATCH; i++) {
    const seed = SEED + i
    test(`${BATCH} isolates terminated at random (VELO_TEST_SEED=${seed})`, { timeout: 120_000 }, async () => {
      const { code, signal, stdout, stderr } = await child(batch(seed), { ms: 90_000 })
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, stdout)
      assert.deepEqual(JSON.parse(stdout), { ended: BATCH, errors: [], begun: true, detached: 0 })
    })
  }
})
