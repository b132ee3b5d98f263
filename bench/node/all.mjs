// `npm run bench`: every bench in a process of its own (none inherits another's heap or compiled code), one table, one JSON document.
// `--quick` checks the answers only and writes nothing.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readOptions } from './harness.mjs'
import { table, verdict } from './table.mjs'

const benches = [
  'throughput',
  'calls',
  'lifecycle',
  'short',
  'memory',
  'crowd',
  'features',
  'telemetry',
  'counters',
  'timers',
  'crossings',
  'workers',
  'operators',
  'http',
  'websocket',
  'cli',
  'durable',
  'kills',
  'cost',
  'cold',
  'scenarios',
  '../paper/paper',
]
const options = readOptions()
// The streams of 60 s of the paper take half an hour: they are asked for by themselves.
const flags = ['--json', '--seconds', '10', ...process.argv.slice(2).filter((flag) => flag !== '--json')]

const documents = []
for (const name of benches) {
  const script = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))
  const answer = execFileSync(process.execPath, [script, ...flags], { encoding: 'utf8', maxBuffer: 1 << 26 })
  const document = JSON.parse(answer)
  documents.push(document)
  if (!options.json) process.stdout.write(table(document))
}

const whole = { at: new Date().toISOString(), node: process.version, platform: `${process.platform}-${process.arch}`, benches: documents }
if (options.json) process.stdout.write(`${JSON.stringify(whole, undefined, 2)}\n`)
else if (!options.quick) process.stdout.write(verdict(documents))
if (!options.quick) {
  const folder = new URL('../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL('latest.json', folder), `${JSON.stringify(whole, undefined, 2)}\n`)
}
