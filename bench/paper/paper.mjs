// The evaluation of the paper (arXiv 2603.03089, section 5): 10 frames a second of 160 x 120 pixels become gray, while they come. How much of its time a stream waits for the first frame to be
// received (cold start penalty), and how much longer it takes than its load generator (processing overhead).
//
//   node bench/paper/paper.mjs                     # streams of 10 s and of 60 s, three rounds: about 40 minutes
//   node bench/paper/paper.mjs --seconds 0         # only how long the first frame waits where nothing runs before: about two minutes
//   node bench/paper/paper.mjs --fast              # time runs fifty times as fast: what is measured means nothing, every frame is checked
//   node bench/paper/paper.mjs --seconds 10 --rounds 1 --systems 'velo-stream,bare ws'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { machine } from '../machine.mjs'
import { redisOnLoopback } from '../node/durable/redis.mjs'
import { addClaim, main, middleOf, shuffled } from '../node/harness.mjs'
import { versionsOf } from '../peers/places.mjs'
import { systems } from './systems.mjs'

const INTERVAL = 100
const FAST = 50
const STARTS = 15
const OURS = 'velo-stream'
const after = (flag) => (process.argv.includes(flag) ? process.argv[process.argv.indexOf(flag) + 1] : undefined)

/** Runs the load generator in a process of its own; answers its times. */
async function generate({ client, target }, count, interval, onFirst) {
  const job = JSON.stringify({ client, target, count, interval })
  const child = fork(fileURLToPath(new URL('generator.mjs', import.meta.url)), [job], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let times
  child.on('message', (message) => {
    if (message.first === undefined) times = message
    else onFirst(message.first)
  })
  const [code] = await once(child, 'exit')
  if (code !== 0 || times === undefined) throw new Error(`the load generator ended with ${code}`)
  return times
}

/** One stream through one system. */
async function one(system, count, interval, shared) {
  let first
  const onFirst = (at) => (first ??= at)
  const target = await system.start(onFirst, (warming) => generate(warming, 20, 5, () => {}), shared)
  try {
    const { begun, generated, last } = await generate(target, count, interval, onFirst)
    return { first: first - begun, penalty: (first - begun) / (last - begun), overhead: last - generated }
  } finally {
    await target.stop()
  }
}

/** Every system that is here, one after the other, so many times. */
async function rounds(known, [frames, interval], options) {
  const redis = Object.values(known).some((system) => system.redis) ? await redisOnLoopback() : undefined
  if (typeof redis === 'string') throw new Error(redis)
  const here = Object.keys(known).filter((name) => known[name].start !== undefined)
  const runs = Object.fromEntries(here.map((name) => [name, []]))
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const name of shuffled(here, round)) {
        await redis?.client.flushall()
        runs[name].push(await one(known[name], frames, interval, { redis: redis?.client.options.port }))
      }
    }
  } finally {
    await redis?.close()
  }
  return runs
}

async function streams(seconds, known, options) {
  const count = (seconds * 1000) / INTERVAL
  const runs = await rounds(known, options.quick ? [count / 5, INTERVAL / FAST] : [count, INTERVAL], options)
  return [
    { title: `cold start penalty, streams of ${seconds} s`, rows: penalties(runs), note: gone(known) },
    { title: `processing overhead, streams of ${seconds} s`, rows: rowsOf(runs, 'overhead', 'ms') },
  ]
}

/** What a table says of the systems that are not here. */
function gone(known) {
  return (
    Object.values(known)
      .flatMap((system) => system.missing ?? [])
      .join('; ') || undefined
  )
}

function rowsOf(runs, figure, unit) {
  return Object.entries(runs).map(([name, rounds]) => {
    const values = rounds.map((round) => round[figure])
    return { name, ...middleOf(values), unit }
  })
}

function penalties(runs) {
  const rows = rowsOf(runs, 'penalty', 'of it')
  const at = (name) => rows.find((row) => row.name === name)
  for (const [of, bar] of [
    [`${OURS}, in process`, 0.0001],
    [`${OURS}, warm server`, 0.004],
  ])
    if (at(of) !== undefined) addClaim(rows, { of, bar, most: true }, at(of).value)
  return rows
}

/** What a stream of any length waits for where nothing runs before it: many short streams, because how long a process takes to start differs from one to the next. */
async function starts(known, options) {
  const begins = Object.fromEntries(Object.entries(known).filter(([name]) => !/in process|warm|batch/.test(name)))
  const runs = await rounds(begins, [5, options.quick ? 2 : INTERVAL], { ...options, rounds: options.quick ? 1 : STARTS })
  const rows = rowsOf(runs, 'first', 'ms')
  const [of, peer] = [`${OURS}, cold server`, 'bare ws, cold server']
  if (runs[of] !== undefined && runs[peer] !== undefined) {
    const ratios = runs[of].map(({ first }, round) => first / runs[peer][round].first)
    addClaim(rows, { of, peer, bar: 1.15, most: true }, ratios)
  }
  const title = 'from the first frame created to the first one received, nothing runs before'
  return { title, rows, rounds: options.quick ? 1 : STARTS, note: gone(known) }
}

/** The document of this bench, as of every other. */
export async function paper(options) {
  const quick = options.quick || process.argv.includes('--fast')
  const times = quick ? 1 : Number(after('--rounds') ?? 3)
  const wanted = after('--systems')?.split(',')
  const known = Object.fromEntries(Object.entries(systems()).filter(([name]) => wanted?.some((part) => name.includes(part)) ?? true))
  const groups = [await starts(known, { quick })]
  for (const seconds of (after('--seconds') ?? '10,60').split(',').map(Number).filter(Boolean))
    groups.push(...(await streams(seconds, known, { quick, rounds: times })))
  if (quick)
    for (const { rows } of groups)
      for (const row of rows) for (const claim of row.claims ?? []) Object.assign(claim, { bar: undefined, pass: undefined })
  return { name: 'paper', node: process.version, machine, peers: versionsOf(['velo', 'bytewax', 'flink']), rounds: times, quick, groups }
}

await main(import.meta, paper)
