// `velo run` over NDJSON against scripts that do the same by hand: whole processes, from their start to their end.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import average from './cli/average.mjs'
import { contest, document, main } from './harness.mjs'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const commands = {
  'velo run': [file('../../dist/velo.js'), 'run', file('cli/average.mjs')],
  'by hand': [file('cli/by-hand.mjs')],
  'by hand, in chunks': [file('cli/by-hand-in-chunks.mjs')],
}
const BAR = 0.8

function inputOf(events) {
  return Array.from({ length: events }, (_, n) => ({ id: n, sensor: `sensor-${n % 100}`, value: (n * 7919) % 1000, unit: 'kPa' }))
}

const lines = (values) => values.map((value) => `${JSON.stringify(value)}\n`).join('')
const answerOf = (text) => ({ bytes: text.length, hash: createHash('sha256').update(text).digest('hex') })

/** Runs a command to its end; rejects unless its exit code is 0. */
function run(command, args, stdio) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${code}`))))
  })
}

async function fromFileToFile(args, source, target) {
  const [input, output] = [openSync(source, 'r'), openSync(target, 'w')]
  await run(process.execPath, args, [input, output, 'inherit'])
  closeSync(input)
  closeSync(output)
}

/** Through pipes: another process writes, another one reads. */
function fromPipeToPipe(args, source, target) {
  const script = 'from=$1; to=$2; shift 2; cat "$from" | "$@" | cat > "$to"'
  return run('sh', ['-c', script, 'sh', source, target, process.execPath, ...args], 'inherit')
}

async function group(title, how, options) {
  const events = options.quick ? 10_000 : 1_000_000
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  const source = join(folder, 'events.ndjson')
  const target = join(folder, 'results.ndjson')
  const values = inputOf(events)
  writeFileSync(source, lines(values))
  const results = []
  for await (const result of average(values)) results.push(result)
  const expected = answerOf(lines(results))
  const go = (args) => async () => {
    await how(args, source, target)
    return answerOf(readFileSync(target, 'utf8'))
  }
  const contestants = Object.fromEntries(Object.entries(commands).map(([name, args]) => [name, go(args)]))
  const claims = [
    { of: 'velo run', peer: 'by hand', bar: BAR },
    { of: 'velo run', peer: 'by hand, in chunks' },
  ]
  try {
    return await contest({ title, events, contestants, expected, claims, options })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function files(options) {
  return group('velo run < file > file', fromFileToFile, options)
}

export async function pipes(options) {
  return group('cat file | velo run | cat > file', fromPipeToPipe, options)
}

/** Every turn is a process of its own: there is nothing to warm, and a second or more each. */
export const bench = (options) => document('cli', [files, pipes], { ...options, rounds: Math.min(options.rounds, 5), warmup: 0 })
await main(import.meta, bench)
