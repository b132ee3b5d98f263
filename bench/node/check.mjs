// `npm run bench:check`: has any ratio to a peer become worse than in bench/baseline.json? Each bench runs several times first, which says how far figures lie apart on this machine at this
// time; only what is beyond that, and beyond what the baseline saw, fails. By hand and before a release, on a machine that does nothing else.
//
//   npm run bench:check                              # compares with the ratios of this line of Node.js
//   npm run bench:check -- --update                  # writes them down instead
//   npm run bench:check -- throughput calls          # some benches only
//   npm run bench:check -- --runs 5 --rounds 11      # more of each: 3 runs of 5 rounds otherwise

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from '../machine.mjs'
import { compare, ratiosOf, summary } from './baseline.mjs'

const GUARDED = [
  'throughput',
  'collected',
  'calls',
  'lifecycle',
  'short',
  'crowd',
  'features',
  'workers',
  'operators',
  'http',
  'websocket',
  'cli',
]
/** A bench in a mode of its own. */
const MODES = { collected: ['throughput', '--collect'] }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean' }, runs: { type: 'string', default: '3' }, rounds: { type: 'string', default: '5' } },
})
const names = positionals.length > 0 ? positionals : GUARDED
const file = fileURLToPath(new URL('../baseline.json', import.meta.url))
const line = `node ${process.versions.node.split('.')[0]}`
const { machine: measured = machine, ...kept } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
/** Lines of Node.js. What another machine measured is written anew as a whole. */
const baselines = values.update && measured !== machine ? {} : kept

const of =
  (name) =>
  ([key]) =>
    key.startsWith(`${name}: `)

const known = values.update ? {} : baselines[line]
if (known === undefined)
  throw new Error(`bench/baseline.json has nothing of ${line}: run with --update first, on a build that is known to be good`)
// Ratios move with the kind of processor, by more than any noise.
if (measured !== machine) console.error(`bench/baseline.json is from another machine, ${measured}; this one has ${machine}`)
if (measured !== machine && values.update && positionals.length > 0)
  throw new Error('figures of two machines do not go together: --update all of them, or none')
// Before anything runs: what is compared with nothing would hold in any case.
const unknown = values.update ? [] : names.filter((name) => !Object.entries(known).some(of(name)))
if (unknown.length > 0)
  throw new Error(
    `bench/baseline.json has nothing of ${unknown.join(', ')} for ${line}: run them with --update first, on a build that is known to be good`,
  )

const rows = {}
for (const name of names) {
  const runs = Array.from({ length: Number(values.runs) }, () => ratiosOf([run(name)]))
  Object.assign(rows, summary(runs))
  console.log(`${name}: ${runs.length} runs, ${runs[0].size} ratios`)
}

if (values.update) {
  const others = Object.entries(baselines[line] ?? {}).filter((row) => !names.some((name) => of(name)(row)))
  baselines[line] = { ...Object.fromEntries(others), ...rows }
  writeFileSync(file, `${JSON.stringify({ machine, ...baselines }, undefined, 2)}\n`)
  console.log(`${Object.keys(rows).length} ratios of ${line} are in bench/baseline.json`)
} else {
  const before = Object.fromEntries(Object.entries(known).filter((row) => names.some((name) => of(name)(row))))
  const { slower, gone } = compare(before, rows)
  for (const name of gone) console.log(`gone    ${name}`)
  for (const { name, before: old, now, band } of slower)
    console.log(`slower  ${name}: ${old} before, ${now} now (noise ${Math.round(100 * band)} %)`)
  console.log(`${Object.keys(before).length - slower.length - gone.length} of ${Object.keys(before).length} ratios hold`)
  if (slower.length > 0 || gone.length > 0) process.exitCode = 1
}

function run(name) {
  const [bench, ...mode] = MODES[name] ?? [name]
  const script = fileURLToPath(new URL(`./${bench}.mjs`, import.meta.url))
  const args = [script, '--json', '--rounds', values.rounds, ...mode]
  return { ...JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 })), name }
}
