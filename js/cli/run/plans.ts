// Which streams a run consists of, and what of the command line cannot be meant. Not here: running them (run.ts).

import { type BigIntStats, createReadStream, createWriteStream, fstatSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { UsageError } from '../failure.js'
import type { Format } from './formats.js'
import type { JobFiles } from './job.js'
import type { KeepOptions } from './kept.js'

/** Bytes of a read from a file: fewer, larger turns than the default. */
const CHUNK = 262_144

const extensions: Record<Format, string> = { ndjson: '.ndjson', text: '.txt', csv: '.csv' }

/** What the command line says of inputs and outputs. */
export interface PlanOptions {
  /** Input files; none = stdin. */
  readonly inputs: readonly string[]
  /** `undefined`: what the name of each input says. */
  readonly from: Format | undefined
  /** Numbers and booleans in CSV become such. */
  readonly types: boolean
  readonly to: Format
  readonly concurrency: number
  readonly outDir: string | undefined
  /** `undefined`: nothing is kept. */
  readonly keep: KeepOptions | undefined
  readonly outFile: string | undefined
}

/** One stream that is going to run. */
export interface Plan {
  readonly input: string | undefined
  readonly from: Format
  /** Opens the input. */
  read(): Readable
  /** Opens what the results go to. */
  write(): Pick<JobFiles, 'output' | 'closes'>
}

/** Everything that can be refused before anything is read or written. */
export function planned(options: PlanOptions): Plan[] {
  const { inputs, concurrency, outDir, from: given, types, to } = options
  checkKept(options)
  const formatOf = (input: string | undefined): Format => given ?? (input !== undefined && /\.csv$/i.test(input) ? 'csv' : 'ndjson')
  if (types && ![undefined, ...inputs].slice(inputs.length === 0 ? 0 : 1).some((input) => formatOf(input) === 'csv'))
    throw new UsageError('--types is for CSV: an input whose name ends with .csv, or --csv')
  if (outDir === undefined && concurrency > 1)
    throw new UsageError(
      '--concurrency needs --out-dir: streams that run at once cannot share stdout. One input is one stream; give several files.',
    )
  if (inputs.length === 0) {
    if (outDir !== undefined) throw new UsageError('--out-dir needs input files: velo run fn.js --out-dir results a.ndjson b.ndjson')
    return [{ input: undefined, from: formatOf(undefined), read: stdin, write: stdout }]
  }
  const taken = new Map<string, string>()
  const read = new Map(inputs.map((input) => [fileAt(input), input]))
  if (read.has(undefined)) throw new UsageError(`${read.get(undefined)}: no such file`)
  return inputs.map((input) => {
    const plan = { input, from: formatOf(input), read: () => createReadStream(input, { highWaterMark: CHUNK }), write: stdout }
    if (outDir === undefined) return plan
    const target = resolve(join(outDir, basename(input, extname(input)) + extensions[to]))
    const other = taken.get(target)
    if (other !== undefined) throw new UsageError(`${other} and ${input} would both be written to ${target}`)
    const lost = read.get(fileAt(target) ?? '')
    if (lost !== undefined) throw new UsageError(`${lost} would be overwritten by the results; choose another --out-dir`)
    taken.set(target, input)
    return { ...plan, write: () => ({ output: createWriteStream(target), closes: true }) }
  })
}

/** A stream that is kept is one, and its results have one place. */
function checkKept({ inputs, outDir, keep, outFile }: PlanOptions): void {
  if (keep === undefined) {
    if (outFile !== undefined) throw new UsageError('--out-file is for a stream that is kept, see --durable; otherwise: > file')
    return
  }
  if (inputs.length > 1) throw new UsageError('--durable keeps one stream: give one input')
  if (outDir !== undefined) throw new UsageError('--out-dir and --durable exclude each other; --out-file names the file of one stream')
  const [input] = inputs
  if (input !== undefined && outFile !== undefined && fileAt(outFile) !== undefined && fileAt(outFile) === fileAt(input))
    throw new UsageError(`${input} would be overwritten by the results; choose another --out-file`)
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

function stdin(): Readable {
  const found = fstatSync(0, { bigint: true })
  if (found.isDirectory()) throw new UsageError('the input is a folder')
  return found.isFile() ? createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK }) : process.stdin
}

const stdout: Plan['write'] = () => ({ output: process.stdout, closes: false })
