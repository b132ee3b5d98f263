// Which streams a run consists of, and what of the command line cannot be meant. Not here: running them (run.ts).

import { type BigIntStats, createReadStream, createWriteStream, fstatSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UsageError } from '../failure.js'
import type { Format, InputFormat } from './formats.js'
import type { JobFiles } from './job.js'
import type { KeepOptions } from './kept.js'

/** Bytes of a read from a file: fewer, larger turns than the default. */
const CHUNK = 262_144
const GZIP = /\.gz$/i
/** Bytes of a value in a JSON file; --max-line bounds it behind that. */
const LONGEST = 1 << 30

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
  readonly from: InputFormat
  /** Opens the input. */
  read(): Readable
  /** Opens what the results go to. */
  write(): Pick<JobFiles, 'output' | 'closes'>
}

/** Everything that can be refused before anything is read or written. */
export function planned(options: PlanOptions): Plan[] {
  const { inputs, concurrency, outDir, from: given, types, to } = options
  checkKept(options)
  const formatOf = (input: string | undefined): InputFormat => given ?? named(input)
  if (types && ![undefined, ...inputs].slice(inputs.length === 0 ? 0 : 1).some((input) => /^[ct]sv$/.test(formatOf(input))))
    throw new UsageError('--types is for CSV: an input whose name ends with .csv or .tsv, or --csv')
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
    const plan = {
      input,
      from: formatOf(input),
      read: () => (isJson(input, given) ? jsonLines(opened(input)) : opened(input)),
      write: stdout,
    }
    if (outDir === undefined) return plan
    const target = resolve(join(outDir, unpackedName(basename(input), true) + extensions[to]))
    const other = taken.get(target)
    if (other !== undefined) throw new UsageError(`${other} and ${input} would both be written to ${target}`)
    const lost = read.get(fileAt(target) ?? '')
    if (lost !== undefined) throw new UsageError(`${lost} would be overwritten by the results; choose another --out-dir`)
    taken.set(target, input)
    return { ...plan, write: () => ({ output: createWriteStream(target), closes: true }) }
  })
}

/** The format that the name of a file says; JSON is made lines of as it is read. */
function named(input: string | undefined): InputFormat {
  const format = /\.(csv|tsv)$/i.exec(unpackedName(input ?? ''))?.[1]
  return (format?.toLowerCase() as InputFormat | undefined) ?? 'ndjson'
}

/** A name without `.gz`, and without the extension before it if it is to have another. */
function unpackedName(name: string, isBare = false): string {
  const plain = name.replace(GZIP, '')
  return isBare ? basename(plain, extname(plain)) : plain
}

function isJson(input: string, given: Format | undefined): boolean {
  return given === undefined && /\.json$/i.test(unpackedName(input))
}

/** JSON as HTTP reads it, a line for each event: values go on over several lines, and an array is its elements. */
function jsonLines(file: Readable): Readable {
  async function* lines(): AsyncGenerator<string> {
    const { eventsFrom } = await import('../../http/index.js')
    const init = { method: 'POST', body: Readable.toWeb(file) as ReadableStream, duplex: 'half' as const }
    for await (const event of eventsFrom(new Request('http://file', init), { in: 'json', maxLine: LONGEST }))
      yield `${JSON.stringify(event)}\n`
  }
  return Readable.from(lines(), { objectMode: false })
}

/** The bytes of a file; of one whose name ends with `.gz`, what is packed in it. */
function opened(input: string): Readable {
  const file = createReadStream(input, { highWaterMark: CHUNK })
  if (!GZIP.test(input)) return file
  const unpacked = createGunzip()
  // An error of the file comes out of what is read; who leaves that closes the file.
  pipeline(file, unpacked, () => {})
  return unpacked
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
