// What the bytes of an input mean as events, and how results are written.

import type { Buffer } from 'node:buffer'
import { type LineErrors, Lines } from '../../kit/iteration/lines.js'
import { InputError, OutputError } from '../failure.js'
import { CsvRows, csvRow } from './csv.js'
import { typed } from './typed.js'

/** Formats of both directions. */
export type Format = 'ndjson' | 'text' | 'csv'

/** Formats of inputs: those, and CSV with tabs, which only the name of a file can say. */
export type InputFormat = Format | 'tsv'

/** No event in what has come so far. */
export const NONE = Symbol('none')

/** Chunks of bytes in, events out, one at a time. */
export interface FormatReader {
  push(chunk: Buffer): void
  finish(): void
  /** The next event, or `NONE`. Throws `InputError` for a line that is wrong; the next call goes on behind it. */
  next(): unknown
}

/** A reader for `format` that refuses lines of more than `maxLine` bytes. `types`: fields of CSV that are numbers and booleans become such. */
export function formatReader(format: InputFormat, maxLine: number, types = false): FormatReader {
  if (format === 'csv' || format === 'tsv') return new CsvReader(maxLine, types, format === 'tsv' ? '\t' : ',')
  const lines = new Lines(maxLine, lineErrors(maxLine))
  const parsed = () => {
    for (;;) {
      const line = lines.next()
      if (line === undefined) return NONE
      try {
        return JSON.parse(line)
      } catch (error) {
        if (line.trim() === '') continue
        throw new InputError(`line ${lines.number} is no JSON: ${(error as Error).message}`)
      }
    }
  }
  const next = format === 'ndjson' ? parsed : () => lines.next() ?? NONE
  return { push: (chunk) => lines.push(chunk), finish: () => lines.finish(), next }
}

function lineErrors(maxLine: number): LineErrors {
  return {
    overlong: (number) => new InputError(`line ${number} is longer than ${maxLine} bytes; --max-line sets the limit`),
    malformed: (number) => new InputError(`line ${number} is not UTF-8`),
  }
}

/** Rows as objects, named by the first row. */
class CsvReader implements FormatReader {
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true })
  readonly #rows: CsvRows
  #header: string[] | undefined
  #failure: InputError | undefined
  readonly #types: boolean

  constructor(maxRow: number, types: boolean, mark: string) {
    this.#types = types
    this.#rows = new CsvRows(maxRow, mark)
  }

  push(chunk: Buffer): void {
    this.#decode(chunk, true)
  }

  finish(): void {
    this.#decode(undefined, false)
    this.#rows.finish()
  }

  next(): unknown {
    this.#header ??= this.#readHeader()
    const header = this.#header
    const fields = header === undefined ? undefined : this.#rows.next()
    if (header === undefined || fields === undefined) return this.#nothing()
    if (fields.length !== header.length)
      throw new InputError(`line ${this.#rows.number} has ${fields.length} fields, the header has ${header.length}`)
    return Object.fromEntries(header.map((name, index) => [name, this.#types ? typed(fields[index]) : fields[index]]))
  }

  #readHeader(): string[] | undefined {
    try {
      const header = this.#rows.next()
      const twice = header?.find((name, index) => header.indexOf(name) !== index)
      if (twice !== undefined) throw new InputError(`the header names ${JSON.stringify(twice)} twice`)
      return header
    } catch (error) {
      // No other row can take its place.
      throw new InputError((error as Error).message, true)
    }
  }

  #nothing(): typeof NONE {
    const failure = this.#failure
    if (failure === undefined) return NONE
    throw failure
  }

  #decode(chunk: Buffer | undefined, stream: boolean): void {
    try {
      this.#rows.push(this.#utf8.decode(chunk, { stream }))
    } catch {
      this.#failure ??= new InputError('the input is not UTF-8', true)
    }
  }
}

/** Writes results: one text with its line end for each. Throws `OutputError` for one that the format cannot say. */
export type Encoder = (result: unknown) => string

/** An encoder for `format`; with `columns`, CSV goes on behind a header of these. */
export function encoder(format: Format, columns?: readonly string[]): Encoder {
  if (format === 'csv') return csvEncoder(columns)
  if (format === 'ndjson') return (result) => `${json(result)}\n`
  return (result) => `${typeof result === 'string' ? result : json(result)}\n`
}

function json(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null'
  } catch (error) {
    throw new OutputError(`a result cannot be written as JSON: ${(error as Error).message}`)
  }
}

/** The first result says which columns there are; one that is no object is a column of its own, `value`. */
function csvEncoder(given?: readonly string[]): Encoder {
  let columns = given
  return (result) => {
    const row: Record<string, unknown> =
      typeof result === 'object' && result !== null && !Array.isArray(result)
        ? Object.assign(Object.create(null), result)
        : { value: result }
    const header = columns === undefined ? csvRow((columns = Object.keys(row))) : ''
    const names = columns
    const other = Object.keys(row).find((name) => !names.includes(name))
    if (other !== undefined)
      throw new OutputError(`a result has ${JSON.stringify(other)}, which the first one had not: CSV has no column for it`)
    return header + csvRow(names.map((name) => field(row[name])))
  }
}

function field(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : json(value)
}
