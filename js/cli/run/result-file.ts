// The file that the results of a kept stream go to. It holds them one after the other, so that what is in it says how far the stream has come: whoever goes on cuts it behind
// the results that were delivered, and the others are written again.

import { closeSync, fdatasync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { OutputError, UsageError } from '../failure.js'
import { CsvRows } from './csv.js'
import type { Format } from './formats.js'

const CHUNK = 262_144
const [NEWLINE, QUOTE] = [10, 34]

const sync = promisify(fdatasync)

export class ResultFile {
  readonly path: string
  /** Of CSV that is there already. */
  readonly columns: readonly string[] | undefined
  readonly #fd: number
  #at: number

  /** Opens the file, and cuts it behind `results` of them; with none it begins anew. Throws `UsageError` for one that cannot be opened, or has fewer. */
  constructor(path: string, format: Format, results: number) {
    this.path = path
    this.#fd = opened(path, results === 0 ? 'w' : 'r+')
    const { at, header } = results === 0 ? NOTHING : end(this.#fd, path, format, results)
    this.#at = at
    this.columns = header
    ftruncateSync(this.#fd, at)
    if (results === 0) syncName(path)
  }

  /** Resolves when the disk has it: what is told as delivered after that is never lost. */
  async write(text: string): Promise<void> {
    try {
      const bytes = Buffer.from(text)
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#at + done)
      this.#at += bytes.length
      await sync(this.#fd)
    } catch (error) {
      throw new OutputError(`the results cannot be written: ${(error as Error).message}`)
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** The name of a file is kept by its folder. */
function syncName(path: string): void {
  try {
    const folder = openSync(dirname(path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    // Windows opens no folders, and keeps names by itself.
  }
}

function opened(path: string, flags: string): number {
  let fd: number
  try {
    fd = openSync(path, flags)
  } catch (error) {
    throw new UsageError(`--out-file ${path}: it cannot be opened: ${(error as Error).message}`)
  }
  if (fstatSync(fd, { bigint: true }).isFile()) return fd
  closeSync(fd)
  throw new UsageError(`--out-file ${path}: it is no file that could be cut behind a result; leave it out, and write > ${path}`)
}

interface End {
  /** Bytes before it. */
  readonly at: number
  readonly header: readonly string[] | undefined
}

const NOTHING: End = { at: 0, header: undefined }

/** Where so many results end. A line end inside quotes of CSV ends no result. */
function end(fd: number, path: string, format: Format, results: number): End {
  const isCsv = format === 'csv'
  const chunk = Buffer.allocUnsafeSlow(CHUNK)
  const first: Buffer[] = []
  let [rows, position, isQuoted] = [0, 0, false]
  const wanted = results + (isCsv ? 1 : 0)
  for (let size = readSync(fd, chunk, 0, CHUNK, 0); size > 0; size = readSync(fd, chunk, 0, CHUNK, position)) {
    let from = 0
    for (let at = 0; at < size; at++) {
      if (isCsv && chunk[at] === QUOTE) isQuoted = !isQuoted
      if (chunk[at] !== NEWLINE || isQuoted) continue
      rows++
      if (isCsv && rows === 1) first.push(Buffer.from(chunk.subarray(from, at + 1)))
      from = at + 1
      if (rows === wanted) return { at: position + at + 1, header: isCsv ? fields(Buffer.concat(first)) : undefined }
    }
    if (isCsv && rows === 0) first.push(Buffer.from(chunk.subarray(0, size)))
    position += size
  }
  const has = Math.max(0, rows - (isCsv ? 1 : 0))
  const why = 'it is another file than the stream was writing to, or a part of it is lost'
  throw new UsageError(`--out-file ${path} has ${has} of the ${results} results that were delivered: ${why}`)
}

function fields(row: Buffer): readonly string[] | undefined {
  const rows = new CsvRows(row.length)
  rows.push(row.toString())
  return rows.next()
}
