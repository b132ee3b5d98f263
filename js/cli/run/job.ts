// One stream of `velo run`: an input, the function, an output.

import type { Readable, Writable } from 'node:stream'
import type { InputError } from '../failure.js'
import type { Interrupt } from '../interrupt.js'
import { Events } from './events.js'
import { encoder, type Format, formatReader, type InputFormat } from './formats.js'
import type { AnyFunction } from './load.js'
import { Output } from './output.js'

/** What all jobs of a run share. */
export interface Formats {
  /** Numbers and booleans in CSV become such. */
  readonly types: boolean
  readonly to: Format
  readonly maxLine: number
  readonly skip: ((error: InputError) => void) | undefined
}

/** What a job is about. */
export interface JobFiles {
  readonly input: Readable
  readonly from: InputFormat
  readonly output: Writable
  /** Close the output with the job; stdout stays open. */
  readonly closes: boolean
}

/** One stream from its input to its output. */
export class Job {
  readonly #files: JobFiles
  readonly #events: Events
  readonly #output: Output
  readonly #formats: Formats

  constructor(files: JobFiles, formats: Formats) {
    this.#files = files
    this.#formats = formats
    this.#events = new Events(files.input, formatReader(files.from, formats.maxLine, formats.types), formats.skip)
    this.#output = new Output(files.output)
  }

  /** Events given to the function so far. */
  get events(): number {
    return this.#events.count
  }

  /** Results written so far. */
  get results(): number {
    return this.#output.count
  }

  /**
   * Runs to the end. Whatever happens, the results before it are written first. Rejects with what the function threw, with `InputError`, or with `OutputError`;
   * an output that nobody reads any more (`| head`) ends it quietly.
   */
  async run(fn: AnyFunction, interrupt: Interrupt): Promise<void> {
    const forget = interrupt.onStop(() => this.#events.stop())
    try {
      await this.#pump(fn, interrupt.signal)
    } catch (error) {
      // Where the reader went away, the function was told to end: what it says about that concerns nobody.
      if (!this.#output.broken && !interrupt.signal.aborted) throw error
    } finally {
      forget()
      this.#events.stop()
      await this.#output.close(this.#files.closes)
    }
    if (this.#events.failure !== undefined) throw this.#events.failure
    if (this.#output.failure !== undefined) throw this.#output.failure
  }

  async #pump(fn: AnyFunction, signal: AbortSignal): Promise<void> {
    const output = this.#output
    const encode = encoder(this.#formats.to)
    const results = fn(this.#events, { signal })
    output.onBroken = () => void results.return?.().catch(() => undefined)
    for await (const result of results) {
      output.write(encode(result))
      if (output.full) await output.room()
      if (output.broken) break
    }
  }
}
