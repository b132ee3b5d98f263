// CSV as RFC 4180 has it: text in chunks to rows of fields, and values to a row. Not here: what the rows mean (formats.ts).
// By hand: csv-parse 7 does not go on behind the line of a quote that is never closed or of a row that is too long, names the last line for it, and
// takes five times as long.

import { InputError } from '../failure.js'

/** Where lines end with a carriage return alone, the whole file would be one row. */
const BARE = 'a carriage return without a line feed behind it'

/** Reads rows out of text that comes in chunks. Lines may end with \n or \r\n; blank lines are no rows. */
export class CsvRows {
  readonly #maxRow: number
  /** Between fields: a comma, or a tab. */
  readonly #mark: string
  #text = ''
  #at = 0
  #finished = false
  #lines = 1
  /** Number of the line on which the row taken last began, from 1. */
  number = 0

  constructor(maxRow: number, mark = ',') {
    this.#maxRow = maxRow
    this.#mark = mark
  }

  /** Takes more text. */
  push(text: string): void {
    this.#text = this.#text.slice(this.#at) + text
    this.#at = 0
  }

  /** No more text: the last row need not end with a line end. */
  finish(): void {
    this.#finished = true
  }

  /** The next row, or `undefined` when more text is needed or none is left. Throws `InputError` for a row that is wrong; the next call goes on behind its line. */
  next(): string[] | undefined {
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at)
      if (end < 0 && (!this.#finished || this.#at >= this.#text.length)) return this.#wait()
      const line = this.#text.slice(this.#at, end < 0 ? undefined : end)
      const row = line.includes('"') ? this.#quoted() : this.#plain(line)
      if (row === undefined) return this.#wait()
      if (row.length > 0) return row
    }
  }

  /** What is left of the text is no whole row. */
  #wait(): undefined {
    if (this.#text.length - this.#at <= this.#maxRow) return undefined
    this.number = this.#lines
    throw this.#tooLong(true)
  }

  #plain(line: string): string[] {
    this.#advance(this.#at + line.length + 1, 1)
    if (line.length > this.#maxRow) throw this.#tooLong()
    const bare = line.endsWith('\r') ? line.slice(0, -1) : line
    if (bare.includes('\r')) throw new InputError(`line ${this.number} is no CSV: ${BARE}`)
    return bare === '' ? [] : bare.split(this.#mark)
  }

  /** A row with quotes in it; `undefined` when its end has not come yet. */
  #quoted(): string[] | undefined {
    const text = this.#text
    const row: string[] = []
    let at = this.#at
    let lines = 1
    for (;;) {
      let field: string
      if (text[at] === '"') {
        let close = at + 1
        for (;;) {
          close = text.indexOf('"', close)
          if (close < 0) break
          if (text[close + 1] !== '"') break
          close += 2
        }
        // A quote at the very end of the text may be the first of two.
        if (close < 0 || (close + 1 === text.length && !this.#finished)) {
          if (!this.#finished) return undefined
          throw this.#wrong('a quoted field that never ends')
        }
        const raw = text.slice(at + 1, close)
        lines += raw.split('\n').length - 1
        field = raw.replaceAll('""', '"')
        at = close + 1
      } else {
        const start = at
        while (at < text.length && text[at] !== this.#mark && text[at] !== '\n' && text[at] !== '"') at++
        if (text[at] === '"') throw this.#wrong(text.slice(start, at).includes('\r') ? BARE : 'a quote inside a field that is not quoted')
        if (at === text.length && !this.#finished) return undefined
        field = text.slice(start, at)
        if (text[at] !== this.#mark && field.endsWith('\r')) field = field.slice(0, -1)
        if (field.includes('\r')) throw this.#wrong(BARE)
      }
      row.push(field)
      if (text[at] === '\r' && (text[at + 1] ?? '\n') === '\n') at++
      if (at >= text.length && !this.#finished) return undefined
      if (at >= text.length || text[at] === '\n') break
      if (text[at] !== this.#mark) throw this.#wrong(text[at] === '\r' ? BARE : 'text behind a quoted field')
      at++
    }
    if (at - this.#at > this.#maxRow) {
      this.#advance(at + 1, lines)
      throw this.#tooLong()
    }
    this.#advance(at + 1, lines)
    return row
  }

  #advance(at: number, lines: number): void {
    this.#at = at
    this.number = this.#lines
    this.#lines += lines
  }

  /** The rest of the line is left out. */
  #wrong(what: string): InputError {
    const end = this.#text.indexOf('\n', this.#at)
    this.#advance(end < 0 ? this.#text.length : end + 1, 1)
    return new InputError(`line ${this.number} is no CSV: ${what}`)
  }

  #tooLong(fatal = false): InputError {
    const message = `the row on line ${this.number} is longer than ${this.#maxRow} characters; --max-line sets the limit`
    return new InputError(message, fatal)
  }
}

/** One row with its line end. Fields are quoted where they must be; a row of one empty field is `""`, because a blank line is no row. */
export function csvRow(fields: readonly string[]): string {
  if (fields.length === 1 && fields[0] === '') return '""\n'
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\n`
}
