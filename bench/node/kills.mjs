// One session that outlives its process, kept in our journal, shared through Redis and through NATS, and as people keep it elsewhere: what an event costs when each waits for the one before, and how long
// after kill -9 the next result comes from another process, its start included. Every sum is checked: nothing is lost and nothing counts twice.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { FLINK, flinkProgram } from '../peers/flink.mjs'
import { missing, moduleOf, versionsOf } from '../peers/places.mjs'
import { redisOnLoopback } from './durable/redis.mjs'
import { addClaim, document, main, middleOf, shuffled } from './harness.mjs'
import { natsOnLoopback } from './nats/server.mjs'

/** Starts a contestant and waits until it can take an event. One that is no program of Node.js is a command. */
async function started({ command, script, args }) {
  if (command !== undefined) return await talking(command, args)
  const child = fork(fileURLToPath(new URL(`kills/${script}.mjs`, import.meta.url)), args.map(String), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await answer(child)
  return child
}

/** A program that talks in lines, used as those that talk in messages. */
async function talking([program, ...flags], args) {
  const child = spawn(program, [...flags, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.send = ({ events }) => child.stdin.write(`${events}\n`)
  createInterface({ input: child.stdout }).on('line', (line) => child.emit('message', JSON.parse(line)))
  await answer(child)
  return child
}

/** What it says next; one that ends instead is an error. */
async function answer(child) {
  const over = new AbortController()
  const ended = once(child, 'exit', over).then(([code]) => Promise.reject(new Error(`a contestant ended with ${code}`)))
  try {
    const [message] = await Promise.race([once(child, 'message', over), ended])
    return message
  } finally {
    ended.catch(() => {})
    over.abort()
  }
}

async function asked(child, events, expected) {
  child.send({ events })
  const { sum, ms } = await answer(child)
  if (sum !== expected) throw new Error(`a sum of ${sum}, expected ${expected}`)
  return ms
}

/** So many events, kill -9, one more event in another process: us an event, ms after the kill. */
async function session(contestant, most) {
  const events = Math.min(most, contestant.events ?? most)
  const child = await started(contestant)
  await asked(child, events, events)
  const ms = await asked(child, events, 2 * events)
  const exited = once(child, 'exit')
  const begun = performance.now()
  child.kill('SIGKILL')
  const next = await started(contestant)
  await asked(next, 1, 2 * events + 1)
  const killed = performance.now() - begun
  await exited
  const gone = once(next, 'exit')
  next.kill('SIGKILL')
  await gone
  return { event: (ms * 1000) / events, killed }
}

async function sessions(options) {
  const events = options.quick ? 20 : 1_000
  const redis = await redisOnLoopback()
  const nats = await natsOnLoopback()
  const gone = []
  const kinds = {
    "journal, 'process'": (folder) => ({ script: 'journal', args: [folder, 'process', 'by and by'] }),
    "journal, 'process', results confirmed": (folder) => ({ script: 'journal', args: [folder, 'process', 'each'] }),
    "journal, 'disk'": (folder) => ({ script: 'journal', args: [folder, 'disk', 'by and by'] }),
    "journal, 'disk', results confirmed": (folder) => ({ script: 'journal', args: [folder, 'disk', 'each'] }),
  }
  if (typeof redis === 'string') gone.push(redis)
  else {
    kinds[SHARED_REDIS] = () => ({ script: 'shared-redis', args: [redis.client.options.port] })
    kinds['state in Redis'] = () => ({ script: 'redis', args: [redis.client.options.port] })
    if ((await moduleOf('bullmq')) === undefined) gone.push(missing('bullmq'))
    else kinds['a job of BullMQ an event'] = () => ({ script: 'bullmq', args: [redis.client.options.port] })
  }
  if (typeof nats === 'string') gone.push(nats)
  else kinds[SHARED_NATS] = (_folder, round) => ({ script: 'shared-nats', args: [nats.port, `sums${round}`] })
  const { DatabaseSync } = await import('node:sqlite').catch(() => ({}))
  if (DatabaseSync === undefined) gone.push('MISSING: node:sqlite (a newer Node.js)')
  else kinds['SQLite, a transaction an event'] = (folder) => ({ script: 'sqlite', args: [folder] })
  const flink = flinkProgram(new URL('kills/FlinkSums.java', import.meta.url))
  if (typeof flink === 'string') gone.push(flink)
  // Few events: each waits for a checkpoint.
  else kinds[FLINK_JOB] = (folder) => ({ command: flink, args: [folder], events: 50 })
  const names = Object.keys(kinds)
  const rounds = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const name of shuffled(names, round)) {
      const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
      if (typeof redis !== 'string') await redis.client.flushall()
      try {
        rounds[name].push(await session(kinds[name](folder, round), events))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
  for (const server of [redis, nats]) if (typeof server !== 'string') await server.close()
  return { title: 'a session that outlives its process', rows: rowsOf(names, rounds), note: gone.join('; ') || undefined }
}

/** What is kept in the system's hands is compared with Redis, which keeps nothing on the disk here, and what is on the disk with SQLite. Checkpoints of Flink are files that nobody syncs. */
const FLINK_JOB = `${FLINK}, a checkpoint before each result`
const SHARED_REDIS = 'shared through Redis'
const SHARED_NATS = 'shared through NATS'
const PEERS = {
  "journal, 'process'": ['state in Redis', 'a job of BullMQ an event', FLINK_JOB],
  "journal, 'process', results confirmed": ['state in Redis'],
  "journal, 'disk'": ['SQLite, a transaction an event'],
  "journal, 'disk', results confirmed": ['SQLite, a transaction an event'],
  [SHARED_REDIS]: ['state in Redis', 'a job of BullMQ an event', FLINK_JOB],
  [SHARED_NATS]: ['a job of BullMQ an event', FLINK_JOB],
}

function rowsOf(names, rounds) {
  const figures = { event: ['an event', 'us'], killed: ['from kill -9 to the next result', 'ms'] }
  const rows = Object.entries(figures).flatMap(([figure, [words, unit]]) =>
    names.map((name) => {
      const values = rounds[name].map((round) => round[figure])
      return { name: `${name}: ${words}`, ...middleOf(values), unit }
    }),
  )
  for (const [figure, [words]] of Object.entries(figures))
    for (const [of, peers] of Object.entries(PEERS))
      for (const peer of peers.filter((peer) => names.includes(peer))) {
        const ratios = rounds[of].map((round, at) => rounds[peer][at][figure] / round[figure])
        addClaim(rows, { of: `${of}: ${words}`, peer: `${peer}: ${words}` }, ratios)
      }
  return rows
}

export function kills(options) {
  const rounds = options.quick ? 1 : Math.min(options.rounds, 7)
  return document('kills', [sessions], { ...options, rounds }, 1, versionsOf(['bullmq', 'flink']))
}

await main(import.meta, kills)
