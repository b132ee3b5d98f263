// Forms in: fields, and files in chunks as they arrive. The parsing is that of @fastify/busboy; here it gets bounds and a direction: a chunk is written
// when one is asked for, and what it holds is handed on before the next. It passes over parts that it cannot read; here they are refused, for which its parser
// is looked at: the version is pinned, and a test holds what is used of it. None of the listeners throws: it would throw into the parser.

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { sizeOfLines } from '../../kit/bytes/parsed-size.js'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'
import type { Part } from './shapes.js'

/** What is used of the parser inside of busboy: the parts before it looks at them, and how it splits them. */
interface Inside {
  readonly _parser: { readonly parser: Splitter }
}

interface Splitter {
  readonly _hparser: { push(data: Buffer): number | undefined; reset(): void }
  readonly _isPreamble: boolean
  readonly _inHeader: boolean
  readonly _part: unknown
  _oninfo(isDelimiter: boolean, data: Buffer | undefined, start: number, end: number): void
  on(event: 'part', listener: (part: RawPart) => void): void
}

interface RawPart {
  once(event: 'header', listener: (header: Readonly<Record<string, readonly string[]>>) => void): void
}

/** More parts than this are refused. */
const PARTS = 1000
const HEADER_BYTES = 16_384
const NAME_BYTES = 1024
const MALFORMED = 'the form is malformed'
const LINE_END = Buffer.from('\r\n')

export class MultipartDecoder implements Decoder {
  readonly #busboy: BusboyInstance
  /** In their order. The end of a file comes out a little later than busboy goes on to the next part. */
  #parts: { events: Part[]; over: boolean }[] = []
  #finished = false
  /** A part has begun, and its header is not over. */
  #isHeadless = false
  /** Tells the `push` or `end` under way that something has changed. */
  #changed: () => void = () => {}
  failure: HttpError | undefined

  constructor({ maxEvent }: Intake, contentType: string) {
    // What is beyond this is not even looked at; that there was too much shows all the same.
    const limits = { parts: PARTS, headerSize: 2 * HEADER_BYTES, fieldSize: maxEvent }
    try {
      this.#busboy = new Busboy({ headers: { 'content-type': contentType }, limits })
    } catch (error) {
      throw new HttpError(400, 'the form has no boundary', error)
    }
    const splitter = (this.#busboy as unknown as Inside)._parser.parser
    followRfc2046(splitter)
    splitter.on('part', (part) => {
      this.#checkHeadless()
      this.#isHeadless = true
      part.once('header', (header) => {
        this.#isHeadless = false
        this.#checkHeader(header)
      })
    })
    this.#busboy.on('field', (name, value, _, valueCut) => {
      if (!this.#checkName(name)) return
      if (valueCut) this.#fail(413, `a field is longer than ${maxEvent} bytes (maxEvent)`)
      else this.#parts.push({ events: [{ part: { name }, value }], over: true })
    })
    this.#busboy.on('file', (name, stream, filename, _encoding, type) => this.#file(stream, { name, filename: filename ?? '', type }))
    this.#busboy.on('partsLimit', () => this.#fail(413, `the form has more than ${PARTS} parts`))
    this.#busboy.on('error', (error) => this.#fail(400, MALFORMED, error))
    this.#busboy.on('finish', () => {
      this.#checkHeadless()
      this.#finished = true
      this.#changed()
    })
  }

  sizeOf(chunk: Buffer): number {
    return sizeOfLines(chunk)
  }

  async push(chunk: Buffer): Promise<Part[]> {
    // busboy takes no more until what is in the chunk has been read; an error comes instead of the call.
    const taken = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.failure !== undefined) resolve()
      }
      try {
        this.#busboy.write(chunk, () => resolve())
      } catch (error) {
        this.#fail(400, MALFORMED, error)
      }
    })
    await taken
    return this.#take()
  }

  async end(): Promise<Part[]> {
    const done = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.failure !== undefined || (this.#finished && this.#parts.every(({ over }) => over))) resolve()
      }
    })
    try {
      this.#busboy.end()
    } catch (error) {
      this.#fail(400, MALFORMED, error)
    }
    this.#changed()
    await done
    return this.#take()
  }

  close(): void {
    this.#busboy.destroy()
  }

  /** All up to the first part that is not over, and what there is of that. */
  #take(): Part[] {
    const open = this.#parts.findIndex(({ over }) => !over)
    const taken = open === -1 ? this.#parts : this.#parts.slice(0, open + 1)
    const events = taken.flatMap((part) => part.events)
    if (open !== -1) (this.#parts[open] as { events: Part[] }).events = []
    this.#parts = open === -1 ? [] : this.#parts.slice(open)
    return events
  }

  #file(stream: BusboyFileStream, part: { name: string; filename: string; type: string }): void {
    this.#checkName(part.name)
    // Its content is read all the same: without a reader the parser would wait.
    const own = { events: [] as Part[], over: false }
    this.#parts.push(own)
    stream.on('data', (chunk: Buffer) => own.events.push({ part, chunk, last: false }))
    stream.on('end', () => {
      own.events.push({ part, chunk: Buffer.alloc(0), last: true })
      own.over = true
      this.#changed()
    })
    stream.on('error', (error: Error) => this.#fail(400, 'the form ends too early', error))
  }

  /** `name` is what the form says, which may be nothing. */
  #checkName(name: string | undefined): boolean {
    if (typeof name !== 'string') this.#fail(400, 'a part of the form has no name')
    else if (Buffer.byteLength(name) > NAME_BYTES) this.#fail(413, `the name of a part is longer than ${NAME_BYTES} bytes`)
    else return true
    return false
  }

  #checkHeader(header: Readonly<Record<string, readonly string[]>>): void {
    let size = 0
    for (const [name, values] of Object.entries(header)) for (const value of values) size += name.length + value.length + 4
    if (size > HEADER_BYTES) return this.#fail(413, `the header of a part is longer than ${HEADER_BYTES} bytes`)
    const [disposition = ''] = header['content-disposition'] ?? []
    if (!/^form-data(?:[ \t;]|$)/i.test(disposition)) this.#fail(400, 'a part of the form has no Content-Disposition: form-data')
  }

  #checkHeadless(): void {
    if (this.#isHeadless) this.#fail(400, 'the header of a part does not end')
  }

  #fail(status: number, message: string, cause?: unknown): void {
    this.failure ??= new HttpError(status, message, cause)
    this.#changed()
  }
}

/** Accepts what is valid and busboy does not know: blanks behind a boundary, and a part without a body, whose delimiter follows its header. */
function followRfc2046(splitter: Splitter): void {
  const { _hparser: header } = splitter
  const [push, reset, split] = [header.push.bind(header), header.reset.bind(header), splitter._oninfo.bind(splitter)]
  let isBehindBoundary = true
  header.reset = () => {
    isBehindBoundary = true
    reset()
  }
  header.push = (data) => {
    let blanks = 0
    if (isBehindBoundary) while (data[blanks] === 0x20 || data[blanks] === 0x09) blanks++
    if (blanks === data.length) return undefined
    isBehindBoundary = false
    const end = push(data.subarray(blanks))
    return end === undefined ? undefined : end + blanks
  }
  splitter._oninfo = (isDelimiter, data, start, end) => {
    if (!isDelimiter || splitter._isPreamble) return split(isDelimiter, data, start, end)
    if (data !== undefined && start < end) split(false, data, start, end)
    // The line end of the delimiter is also the empty line behind the header.
    if (splitter._part !== undefined && splitter._inHeader) header.push(LINE_END)
    split(true, undefined, 0, splitter._inHeader ? 0 : 1)
  }
}
