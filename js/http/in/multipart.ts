// Forms in: fields, and files in chunks as they arrive. The parsing is that of @fastify/busboy; here it gets bounds and a direction: a chunk is written
// when one is asked for, and what it holds is handed on before the next.

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'
import type { Part } from './shapes.js'

/** More parts than this are refused. */
const PARTS = 1000
const HEADER_BYTES = 16_384
const NAME_BYTES = 1024

export class MultipartDecoder implements Decoder {
  readonly #busboy: BusboyInstance
  /** In their order. The end of a file comes out a little later than busboy goes on to the next part. */
  #parts: { events: Part[]; over: boolean }[] = []
  #finished = false
  /** Tells the `push` or `end` under way that something has changed. */
  #changed: () => void = () => {}
  failure: HttpError | undefined

  constructor({ maxEvent }: Intake, contentType: string) {
    const limits = { parts: PARTS, headerSize: HEADER_BYTES, fieldSize: maxEvent }
    try {
      this.#busboy = new Busboy({ headers: { 'content-type': contentType }, limits })
    } catch (error) {
      throw new HttpError(400, 'the form has no boundary', error)
    }
    this.#busboy.on('field', (name, value, _, valueCut) => {
      this.#checkName(name)
      if (valueCut) this.#fail(413, `a field is longer than ${maxEvent} bytes (maxEvent)`)
      else this.#parts.push({ events: [{ part: { name }, value }], over: true })
    })
    this.#busboy.on('file', (name, stream, filename, _encoding, type) => this.#file(stream, { name, filename: filename ?? '', type }))
    this.#busboy.on('partsLimit', () => this.#fail(413, `the form has more than ${PARTS} parts`))
    this.#busboy.on('error', (error) => this.#fail(400, 'the form is malformed', error))
    this.#busboy.on('finish', () => {
      this.#finished = true
      this.#changed()
    })
  }

  async push(chunk: Buffer): Promise<Part[]> {
    // busboy takes no more until what is in the chunk has been read; an error comes instead of the call.
    const taken = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.failure !== undefined) resolve()
      }
      this.#busboy.write(chunk, () => resolve())
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
    this.#busboy.end()
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

  #checkName(name: string): void {
    if (Buffer.byteLength(name) > NAME_BYTES) this.#fail(413, `the name of a part is longer than ${NAME_BYTES} bytes`)
  }

  #fail(status: number, message: string, cause?: unknown): void {
    this.failure ??= new HttpError(status, message, cause)
    this.#changed()
  }
}
