// Round trips of one small object: a new process for each round. Where the threads of a process run is the scheduler's chance, and stays so for
// long; waking a core that sleeps costs more than everything that is measured here, so on Linux the threads are told where to run.
// Owns: the measuring; workers.mjs judges.
// As a program: prints `{ name: { p50, p99 } }` in microseconds. `argv`: how many blocks, and a place.
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { runtime } from '../../../dist/index.js'
import { checkAnswer, tidyUp } from '../harness.mjs'
import { Hand } from './hand.mjs'
import { checked, Digest, smallObjects } from './kinds.mjs'
import { onWorker, pingPong } from './ours.mjs'
import { Tasks } from './tasks.mjs'

const BLOCK = 500
/** Blocks before the clock counts: what is not compiled yet is slow. */
const WARM_BLOCKS = 30

/** Where the threads run. `CHANCE` is what the scheduler makes of it, and all there is where threads cannot be told. */
export const Place = { TWO_CORES: 'two cores', ONE_CORE: 'one core', CHANCE: 'anywhere' }

/** One round in a process of its own. */
export async function round(blocks, place) {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), String(blocks), place])
  return JSON.parse(stdout)
}

const threads = () => readdirSync('/proc/self/task')

/** Starts something with threads of its own, and gives them the second core; the thread that speaks to them has the first. */
async function placed(place, start) {
  if (place === Place.CHANCE) return await start()
  const before = new Set(threads())
  const started = await start()
  const pin = (thread, core) => execFileSync('taskset', ['-pc', core, thread])
  for (const thread of threads()) if (!before.has(thread)) pin(thread, place === Place.TWO_CORES ? '1' : '0')
  pin(String(process.pid), '0')
  return started
}

async function measure(blocks, place) {
  const events = smallObjects.make(BLOCK)
  const hand = await placed(place, () => Hand.start('readings'))
  const fn = onWorker('readings')
  await placed(place, () => runtime.warm())
  const pool = await placed(place, () => Tasks.started(1))
  const ways = {
    postMessage: (_, take, times) => hand.pingPong(events, take, times),
    Piscina: (_, take, times) => pool.through(events, take, times),
    'send, recv': (_, take, times) => pingPong(fn, events, take, times),
  }
  const { expected } = await checked(smallObjects, events, ways)
  const names = Object.keys(ways)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let block = -WARM_BLOCKS; block < blocks; block++) {
    for (const name of block % 2 === 0 ? names : names.toReversed()) {
      const digest = new Digest(smallObjects.part)
      tidyUp()
      await ways[name](events, digest.take, block < 0 ? [] : times[name])
      checkAnswer(name, digest.answer, expected)
    }
  }
  await Promise.all([hand.stop(), pool.stop()])
  return Object.fromEntries(names.map((name) => [name, quantiles(times[name])]))
}

function quantiles(times) {
  times.sort((a, b) => a - b)
  const at = (q) => times[Math.min(times.length - 1, Math.floor(times.length * q))]
  return { p50: at(0.5), p99: at(0.99) }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]), process.argv[3])))
