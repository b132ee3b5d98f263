// js/cli/run: `velo run`: files and pipes in and out of one function. Knows nothing of the words of a command line.
//
// `velo run`: a stream function over stdin, or over files, each of which is a stream of its own.

import { type BigIntStats, createReadStream, createWriteStream, fstatSync, mkdirSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { described, Exit, errorJson, exitCode, UsageError } from '../failure.js'
import { Interrupt } from '../interrupt.js'
import { say } from '../terminal.js'
import type { Format } from './formats.js'
import { type Formats, Job, type JobFiles } from './job.js'
import { type AnyFunction, explained, loadFunction } from './load.js'
import { Progress } from './progress.js'

/** What the command line says. */
export interface RunOptions {
  readonly file: string
  /** Input files; none = stdin. */
  readonly inputs: readonly string[]
  readonly exported: string
  readonly worker: boolean
  /** `undefined`: what the name of each input says. */
  readonly from: Format | undefined
  /** Numbers and booleans in CSV become such. */
  readonly types: boolean
  readonly to: Format
  readonly concurrency: number
  readonly outDir: string | undefined
  readonly maxLine: number
  readonly skipMalformed: boolean
  /** `undefined` = where stderr is a terminal. */
  readonly progress: boolean | undefined
  readonly quiet: boolean
  readonly json: boolean
}

/** Bytes of a read from a file: fewer, larger turns than the default. */
const CHUNK = 262_144

const extensions: Record<Format, string> = { ndjson: '.ndjson', text: '.txt', csv: '.csv' }

/** Runs to the end and answers the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const started = performance.now()
  const plans = planned(options)
  let interrupt: Interrupt | undefined
  const jobs: Job[] = []
  let skipped = 0
  let progress: Progress | undefined
  let failure: { error: unknown } | undefined
  const counts = () => ({ events: sum(jobs, 'events'), results: sum(jobs, 'results') })
  const report = (error: unknown, input: string | undefined) => {
    failure ??= { error }
    progress?.clear()
    if (!options.json) say(input === undefined ? described(error) : `${input}: ${described(error)}`, 'red')
  }
  const formats: Formats = {
    types: options.types,
    to: options.to,
    maxLine: options.maxLine,
    skip: options.skipMalformed ? () => void skipped++ : undefined,
  }
  const one = async (fn: AnyFunction, plan: Plan, interrupt: Interrupt) => {
    try {
      const job = new Job(plan.open(), formats)
      jobs.push(job)
      await job.run(fn, interrupt)
    } catch (error) {
      const told = explained(error, options.file)
      // It is the function that is at fault, not this input.
      report(told, told === error ? plan.input : undefined)
    }
  }
  try {
    const fn = await loadFunction(options.file, options.exported, options.worker)
    // A module that does not finish loading ends as any process does at Ctrl-C.
    const signals = new Interrupt()
    interrupt = signals
    if (options.outDir !== undefined) makeFolder(options.outDir)
    if (options.progress ?? seen(options)) progress = new Progress(counts)
    const queue = plans.values()
    const lane = async () => {
      for (const plan of queue) if (signals.code === undefined) await one(fn, plan, signals)
    }
    await Promise.all(Array.from({ length: options.concurrency }, lane))
  } catch (error) {
    report(error, undefined)
  } finally {
    interrupt?.dispose()
    progress?.stop()
  }
  const code = interrupt?.code ?? (failure === undefined ? Exit.ok : exitCode(failure.error))
  if (options.json) {
    const ms = Math.round(performance.now() - started)
    const error = failure === undefined ? {} : { error: errorJson(failure.error) }
    process.stderr.write(`${JSON.stringify({ exitCode: code, ...counts(), skipped, ms, ...error })}\n`)
  } else if (skipped > 0 && !options.quiet) {
    say(`${skipped} malformed ${skipped === 1 ? 'line was' : 'lines were'} left out`, 'yellow')
  }
  return code
}

/** Whether somebody sees the progress: on a terminal, unless results come out there too. */
const seen = ({ quiet, json, outDir }: RunOptions): boolean =>
  process.stderr.isTTY === true && !quiet && !json && (process.stdout.isTTY !== true || outDir !== undefined)

const sum = (jobs: readonly Job[], what: 'events' | 'results') => jobs.reduce((total, job) => total + job[what], 0)

/** One stream that is going to run. */
interface Plan {
  readonly input: string | undefined
  open(): JobFiles
}

/** Everything that can be refused before anything is read or written. */
function planned({ inputs, concurrency, outDir, from: given, types, to }: RunOptions): Plan[] {
  const formatOf = (input: string | undefined): Format => given ?? (input !== undefined && /\.csv$/i.test(input) ? 'csv' : 'ndjson')
  if (types && ![undefined, ...inputs].slice(inputs.length === 0 ? 0 : 1).some((input) => formatOf(input) === 'csv'))
    throw new UsageError('--types is for CSV: an input whose name ends with .csv, or --csv')
  if (outDir === undefined && concurrency > 1)
    throw new UsageError(
      '--concurrency needs --out-dir: streams that run at once cannot share stdout. One input is one stream; give several files.',
    )
  if (inputs.length === 0) {
    if (outDir !== undefined) throw new UsageError('--out-dir needs input files: velo run fn.js --out-dir results a.ndjson b.ndjson')
    return [{ input: undefined, open: () => ({ input: stdin(), from: formatOf(undefined), output: process.stdout, closes: false }) }]
  }
  const taken = new Map<string, string>()
  const read = new Map(inputs.map((input) => [fileAt(input), input]))
  if (read.has(undefined)) throw new UsageError(`${read.get(undefined)}: no such file`)
  return inputs.map((input) => {
    const source = () => ({ input: createReadStream(input, { highWaterMark: CHUNK }), from: formatOf(input) })
    if (outDir === undefined) return { input, open: () => ({ ...source(), output: process.stdout, closes: false }) }
    const target = resolve(join(outDir, basename(input, extname(input)) + extensions[to]))
    const other = taken.get(target)
    if (other !== undefined) throw new UsageError(`${other} and ${input} would both be written to ${target}`)
    const lost = read.get(fileAt(target) ?? '')
    if (lost !== undefined) throw new UsageError(`${lost} would be overwritten by the results; choose another --out-dir`)
    taken.set(target, input)
    return { input, open: () => ({ ...source(), output: createWriteStream(target), closes: true }) }
  })
}

/** What file a path leads to, by whatever name; `undefined` = none that can be read. */
function fileAt(path: string): string | undefined {
  let found: BigIntStats | undefined
  try {
    found = statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A part of the path is no folder, or may not be seen.
    return undefined
  }
  return found === undefined || found.isDirectory() ? undefined : `${found.dev} ${found.ino}`
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new UsageError(`--out-dir ${path}: the folder cannot be made: ${(error as Error).message}`)
  }
}

function stdin(): Readable {
  const found = fstatSync(0)
  if (found.isDirectory()) throw new UsageError('the input is a folder')
  return found.isFile() ? createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK }) : process.stdin
}
