// Runs several contestants against each other in one process and says who was how fast, as a ratio to a peer of the same run.
// Owns: warm-up, rotation, checking, medians, claims. Not here: printing (table.mjs), the work (work.mjs).
import { deepStrictEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { machine } from '../machine.mjs'
import { table } from './table.mjs'

setFlagsFromString('--expose-gc')
/** A full collection. */
export const collectGarbage = globalThis.gc ?? runInNewContext('gc')
/**
 * Before every turn: empties the young generation, so that no contestant pays for the one before it. With `--collect` the whole heap, while nothing is
 * open: that takes the hidden classes of which no object lives, and with them whatever was compiled for them, as a long-lived process sees it after a lull.
 */
const wholeHeap = process.argv.includes('--collect')
export const tidyUp = () => (wholeHeap ? collectGarbage() : collectGarbage({ type: 'minor' }))

/**
 * `--quick`: few rounds and small counts, for correctness only. `--json`: the document instead of the table. `--only <name>`: one group.
 * `--client <name>`: the client of Redis (`ioredis`, `node-redis`), where one is asked for. `--collect`: a full collection before every turn, with nothing open. `--here`: in this process. `--together`: all groups in one process, where each finds what the ones before it did to the library's compiled code.
 */
export function readOptions(argv = process.argv.slice(2)) {
  const quick = argv.includes('--quick')
  const after = (flag) => (argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined)
  const rounds = Number(after('--rounds') ?? (quick ? 1 : 11))
  const together = quick || argv.includes('--together')
  const here = argv.includes('--here')
  return {
    quick,
    together,
    here,
    collect: wholeHeap,
    json: argv.includes('--json'),
    rounds,
    warmup: quick ? 0 : 5,
    only: after('--only'),
    node: after('--node'),
    client: after('--client') ?? 'ioredis',
  }
}

/** In an order of its own for each `seed`: whoever always comes after the same one pays for what that one left behind. */
export function shuffled(names, seed) {
  const order = [...names]
  let state = seed + 1
  for (let i = order.length - 1; i > 0; i--) {
    // Lehmer's generator with the modulus 2^31 - 1 and the multiplier of Park and Miller (1988).
    state = (state * 48_271) % 2_147_483_647
    const j = state % (i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of some values and how far they lie apart, as a row has it. */
export const middleOf = (values) => ({ value: median(values), range: [Math.min(...values), Math.max(...values)] })

/** Throws unless the two answers are the same; numbers are compared as such, not deeply, because there are many. */
export function checkAnswer(name, answer, expected) {
  if (!Array.isArray(expected)) return deepStrictEqual(answer, expected, `${name} answered wrongly`)
  if (answer?.length !== expected.length) throw new Error(`${name}: ${answer?.length} results, expected ${expected.length}`)
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(answer[i], expected[i])) throw new Error(`${name}: result ${i} is ${answer[i]}, expected ${expected[i]}`)
  }
}

/**
 * One group of contestants doing the same work.
 *
 * `contestants` maps a name to an async function that does `events` events of work and returns its answer; `claims` lists
 * `{ of, peer, bar, most }`: the speed of `of` over that of `peer` is at least `bar` (`most`: the time of `of` over that of `peer` is at most `bar`).
 * The ratio is the median of the ratios of the rounds, so slow drift of the machine cancels out.
 */
export async function contest({ title, events, contestants, expected, claims = [], options, note }) {
  const names = Object.keys(contestants)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -options.warmup - 1; round < options.rounds; round++) {
    for (const name of shuffled(names, round + options.warmup + 1)) {
      const { ms, answer } = await clock(contestants[name])
      checkAnswer(`${title}: ${name}`, answer, expected)
      if (round >= 0) times[name].push(ms)
    }
  }
  const rows = names.map((name) => {
    const rates = times[name].map((ms) => (events / ms) * 1000)
    return { name, ...middleOf(rates), unit: 'events/s', nsPerEvent: (median(times[name]) * 1e6) / events }
  })
  for (const claim of claims) {
    const ratios = times[claim.peer].map((peer, round) => (claim.most ? times[claim.of][round] / peer : peer / times[claim.of][round]))
    addClaim(rows, claim, ratios)
  }
  return { title, note, rows }
}

/** Adds a claim to the row it speaks of: its ratio, or those of all rounds, of which the median counts. Without a bar it is only a figure; without a peer it is about the row's own value. */
export function addClaim(rows, { of, peer, bar, most = false }, ratios) {
  const row = rows.find((candidate) => candidate.name === of)
  row.claims ??= []
  row.claims.push(judge({ peer, bar, most }, ratios))
}

function judge(claim, ratios) {
  const { bar, most } = claim
  const { value: ratio, range } = middleOf([ratios].flat())
  return Object.assign(claim, {
    ratio,
    range: Array.isArray(ratios) ? range : undefined,
    pass: bar === undefined ? undefined : most ? ratio <= bar : ratio >= bar,
  })
}

async function clock(work) {
  // What the turn before left behind ends in the next turn of the event loop.
  if (wholeHeap) await new Promise(setImmediate)
  tidyUp()
  const start = performance.now()
  const answer = await work()
  return { ms: performance.now() - start, answer }
}

/** Has all threads that this process has until now run on one core, where threads can be told: else chance decides what is measured, which is how long a sleeping core takes to wake up. */
export function onOneCore() {
  if (process.platform === 'linux') execFileSync('taskset', ['-apc', '0', String(process.pid)])
}

/** A second copy of a module, so that contestants do not share (and spoil) each other's type feedback. */
export function freshCopy(file, name) {
  return import(`./${file}?${encodeURIComponent(name)}`)
}

/**
 * Runs the groups one after the other, each in a process of its own, and returns the document of one bench. `processes`: each group runs in so many,
 * one after the other, and the medians count; for what depends on where the scheduler puts the threads of a process, and leaves them. A group may say another number itself.
 * A quick run judges nothing: its figures mean nothing. `peers`: those from elsewhere, with their versions.
 */
export async function document(name, groups, options, processes = 1, peers = undefined) {
  const done = []
  for (const group of groups) {
    if (options.only !== undefined && options.only !== group.name) continue
    if (options.together || options.here) done.push(await group(options))
    else done.push(ownProcesses(name, group.name, options, group.processes ?? processes))
  }
  const claims = done.flatMap((group) => group.rows.flatMap((row) => row.claims ?? []))
  if (options.quick) for (const claim of claims) Object.assign(claim, { bar: undefined, pass: undefined })
  return { name, node: process.version, machine, peers, rounds: options.rounds, quick: options.quick, groups: done }
}

function ownProcesses(bench, group, options, count) {
  const script = fileURLToPath(new URL(`./${bench}.mjs`, import.meta.url))
  const mode = wholeHeap ? ['--collect'] : []
  const flags = ['--json', '--here', '--rounds', String(options.rounds), '--only', group, '--client', options.client, ...mode]
  const runs = Array.from({ length: count }, () => {
    return JSON.parse(execFileSync(process.execPath, [script, ...flags], { encoding: 'utf8' })).groups[0]
  })
  const [whole] = runs
  for (const [at, row] of whole.rows.entries()) {
    Object.assign(row, together(runs.map(({ rows }) => rows[at])))
    if (row.nsPerEvent !== undefined) row.nsPerEvent = median(runs.map(({ rows }) => rows[at].nsPerEvent))
    for (const [index, claim] of (row.claims ?? []).entries()) {
      const each = runs.map(({ rows }) => rows[at].claims[index])
      const { value, range } = together(each.map(({ ratio, range }) => ({ value: ratio, range })))
      judge(claim, value)
      claim.range = range
    }
  }
  return whole
}

/** The same row or claim of several processes: the median of the medians, and all that was seen. */
function together(each) {
  const ranges = each.map(({ range }) => range).filter(Boolean)
  const range = ranges.length === 0 ? undefined : [Math.min(...ranges.map(([least]) => least)), Math.max(...ranges.map(([, most]) => most))]
  return { value: median(each.map(({ value }) => value)), range }
}

/** The end of every bench file: does nothing unless that file is the one Node was started with. */
export async function main(meta, bench) {
  if (process.argv[1] === undefined || meta.url !== pathToFileURL(process.argv[1]).href) return
  const options = readOptions()
  const result = await bench(options)
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : table(result))
}
