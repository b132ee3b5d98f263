// Round trips of one small object: a new process for each round, because the threads of a process may share a core or not, and stay so for long;
// waking a core that sleeps costs more than everything that is measured here. Owns: the measuring; workers.mjs judges.
// As a program: prints `{ name: { p50, p99 } }` in microseconds. `argv`: how many blocks.
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { checkAnswer, tidyUp } from '../harness.mjs'
import { Hand } from './hand.mjs'
import { checked, Digest, smallObjects } from './kinds.mjs'
import { onWorker, pingPong } from './ours.mjs'

const BLOCK = 500
/** Blocks before the clock counts: what is not compiled yet is slow. */
const WARM_BLOCKS = 30

/** One round in a process of its own. `pinned`: all of its threads on one core, where only work counts and nobody has to be woken from sleep. */
export async function round(blocks, pinned) {
  const command = [process.execPath, fileURLToPath(import.meta.url), String(blocks)]
  if (pinned) command.unshift('taskset', '-c', '0')
  const { stdout } = await promisify(execFile)(command[0], command.slice(1))
  return JSON.parse(stdout)
}

async function measure(blocks) {
  const events = smallObjects.make(BLOCK)
  const hand = await Hand.start('readings')
  const fn = onWorker('readings')
  const ways = {
    postMessage: (_, take, times) => hand.pingPong(events, take, times),
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
  await hand.stop()
  return Object.fromEntries(names.map((name) => [name, quantiles(times[name])]))
}

function quantiles(times) {
  times.sort((a, b) => a - b)
  const at = (q) => times[Math.min(times.length - 1, Math.floor(times.length * q))]
  return { p50: at(0.5), p99: at(0.99) }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))))
