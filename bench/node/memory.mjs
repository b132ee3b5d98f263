// Resident memory of one open stream after one event, with 100 000 of them open, beside what people keep for one otherwise. Each contestant has a process of its own.
import { execFileSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startPython } from '../peers/asked.mjs'
import { missing, versionsOf } from '../peers/places.mjs'
import { addClaim, collectGarbage, document, main, middleOf } from './harness.mjs'
import { openers } from './memory/openers.mjs'

const BAR_KB = 4
const BAR_TIMES = 2.5
const PYTHON = 'velo for Python'

async function measure(name, n) {
  const open = await openers[name](n)
  const kept = new Array(n)
  await settle()
  const before = process.memoryUsage.rss()
  for (let i = 0; i < n; i++) {
    const opened = await open(i)
    if (opened.result !== i) throw new Error(`${name}: stream ${i} answered ${opened.result}`)
    kept[i] = opened.kept
  }
  await settle()
  const bytes = process.memoryUsage.rss() - before
  if (kept.includes(undefined)) throw new Error(`${name}: not every stream is open`)
  process.stdout.write(`${bytes / n / 1024}\n`)
  process.exit(0)
}

async function settle() {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await pause(20)
  }
}

async function openStreams(options) {
  const n = options.quick ? 1_000 : 100_000
  const { rounds } = options
  const names = Object.keys(openers)
  const sizes = Object.fromEntries(names.map((name) => [name, []]))
  const script = fileURLToPath(import.meta.url)
  for (let round = 0; round < rounds; round++) {
    for (const name of names)
      sizes[name].push(Number(execFileSync(process.execPath, [script, '--child', name, String(n)], { encoding: 'utf8' })))
  }
  // Few of these: from the sixth on, one takes a third of a second to open.
  const python = await inPython(options.quick ? 5 : 50, rounds)
  if (python !== undefined) sizes[PYTHON] = python
  const rows = Object.entries(sizes).map(([name, each]) => ({ name, ...middleOf(each), unit: 'KB' }))
  const [stream, ...peers] = rows
  addClaim(rows, { of: stream.name, bar: BAR_KB, most: true }, stream.value)
  for (const peer of peers) {
    const bar = peer.name === 'bare generator, parked' ? BAR_TIMES : undefined
    const ratios = sizes[stream.name].map((own, round) => own / sizes[peer.name][round])
    addClaim(rows, { of: stream.name, peer: peer.name, bar, most: true }, ratios)
  }
  const note = python === undefined ? missing('velo') : undefined
  return { title: `resident memory of one of ${n} open`, rows, note, picture: 'open' }
}

/** KB of each of so many streams, a process for each round; undefined where it is not there. */
async function inPython(n, rounds) {
  const sizes = []
  for (let round = 0; round < rounds; round++) {
    const python = startPython('velo')
    if (python === undefined) return undefined
    const { kb, count, last } = await python.ask({ case: 'memory', n })
    await python.stop()
    if (count !== n || last !== (n * (n - 1)) / 2) throw new Error(`${PYTHON}: ${count} streams answered ${last} in sum`)
    sizes.push(kb)
  }
  return sizes
}

export function memory(options) {
  const rounds = options.quick ? 1 : Math.min(options.rounds, 3)
  return document('memory', [openStreams], { ...options, rounds }, 1, versionsOf(['velo']))
}

if (process.argv[2] === '--child') await measure(process.argv[3], Number(process.argv[4]))
await main(import.meta, memory)
