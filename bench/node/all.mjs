// `npm run bench`: every bench in a process of its own (none inherits another's heap or compiled code), one table, one JSON document, and the pictures of what was measured. Owns: which benches there are, and what the command takes.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { drawInto } from '../plots/results.mjs'
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

const HELP = `npm run bench -- [options] [bench ...]      all benches, or those named: tables, and bench/results/latest.json with pictures (SVG)

  --json             one JSON document in place of tables
  --build            builds the package and the binary of the bench crossings before
  --quick            checks every answer and measures nothing; writes nothing
  --rounds <n>       rounds of each contest
  --collect          the whole heap is collected before every turn
  --client <name>    the client of Redis where one is asked for: ioredis, node-redis
  --help             this

Benches: ${benches.map((name) => name.split('/').at(-1)).join(', ')}.
One group of a bench: node bench/node/<bench>.mjs --only <group>. Streams of 60 s of the paper: node bench/paper/paper.mjs.
Peers from elsewhere, in pinned versions: node bench/peers/setup.mjs. One that is missing is named in the tables.
Plots and the tables of docs/performance.md: node bench/plots/draw.mjs. Has a ratio become worse: npm run bench:check.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
    collect: { type: 'boolean' },
    client: { type: 'string' },
    build: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit()
}
const of = (name) => benches.find((bench) => bench.split('/').at(-1) === name)
const unknown = positionals.filter((name) => of(name) === undefined)
if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(', ')}; npm run bench -- --help names all`)
if (values.build) build()
const chosen = positionals.length > 0 ? positionals.map(of) : benches

const options = readOptions()
// The streams of 60 s of the paper take half an hour: they are asked for by themselves.
const flags = [
  '--json',
  '--seconds',
  '10',
  ...process.argv.slice(2).filter((flag) => flag !== '--json' && flag !== '--build' && !positionals.includes(flag)),
]

const documents = []
for (const name of chosen) {
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
  const pictures = drawInto(folder, documents)
  if (!options.json && pictures.length > 0) process.stdout.write(`\npictures in bench/results: ${pictures.join(', ')}\n`)
}

/** What is built says so among the errors: only tables go to the output. */
function build() {
  const cargo = ['build', '--release', '-p', 'velo-node', '--features', 'bench', '--target-dir', 'target/bench']
  for (const [program, args] of [
    ['npm', ['run', 'build']],
    ['cargo', cargo],
  ])
    execFileSync(program, args, {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    })
}
