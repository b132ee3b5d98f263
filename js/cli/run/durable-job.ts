// One stream of `velo run` that is kept in a journal: it begins, or goes on behind the events that are done. Whatever stops it but its own end leaves it for later. A result counts as
// delivered when whoever it is written to has it.

import type { Source } from '../../index.js'
import { BATCH, type Batched, inBatches } from '../../kit/iteration/batches.js'
import { OutputError, UsageError } from '../failure.js'
import type { Interrupt } from '../interrupt.js'
import { written } from '../terminal.js'
import { Events } from './events.js'
import { type Encoder, encoder, formatReader } from './formats.js'
import type { Formats } from './job.js'
import type { KeptFunction } from './kept.js'
import type { Plan } from './plans.js'
import type { ResultFile } from './result-file.js'

/** Results that are written together, at most. */
const TOGETHER = 1024

type Results = AsyncIterableIterator<unknown> & Batched
type Next = IteratorResult<unknown, undefined>

export class DurableJob {
  readonly #kept: KeptFunction
  readonly #plan: Plan
  readonly #formats: Formats
  readonly #file: ResultFile | undefined
  readonly #encode: Encoder
  #input: Events | undefined
  /** Events that were done before. */
  #passed = 0
  #results: Results | undefined
  #isReading = false
  /** It was stopped: no more is taken. */
  #isLeaving = false
  /** What was wrong with the input. */
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  /** Results written by this process. */
  results = 0
  /** Once it has run: it has not ended, and can go on. */
  isLeft = false

  constructor(kept: KeptFunction, plan: Plan, formats: Formats, file: ResultFile | undefined) {
    this.#kept = kept
    this.#plan = plan
    this.#formats = formats
    this.#file = file
    this.#encode = encoder(formats.to, file?.columns)
  }

  /** Events given to the function by this process. */
  get events(): number {
    return Math.max(0, (this.#input?.count ?? 0) - this.#passed)
  }

  /** Runs as far as it comes. Rejects with what the function threw, with `InputError`, or with `OutputError`. */
  async run(interrupt: Interrupt): Promise<void> {
    const { fn, id, close, isThere } = this.#kept
    const { signal } = interrupt
    const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    const results = fn((from) => this.#from(from) as Promise<Source<unknown>>, { id })
    if (!inBatches(results)) throw new TypeError('durable results come in batches')
    this.#results = results
    const forget = interrupt.onStop(() => this.#leave(undefined))
    try {
      await Promise.race([this.#pump(results), late])
    } finally {
      forget()
      this.#input?.stop()
      this.#file?.close()
      // What is not closed ends with the process.
      this.isLeft = !this.#isClosed || (await isThere())
      if (this.#isClosed) await close()
    }
  }

  async #pump(results: Results): Promise<void> {
    try {
      for (let batch = await this.#read(results); batch.length > 0; batch = await this.#read(results)) {
        if (!(await this.#write(batch))) return
      }
    } catch (error) {
      // What is not written is not delivered: closing could say that it was.
      if (error instanceof OutputError) throw error
      await this.#close()
      if (!this.#isLeaving) throw error
    }
    await this.#close()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Asking for more says that those before were delivered; so that is the last thing that is done, too. */
  async #read(results: Results): Promise<unknown[]> {
    const batch = results[BATCH](TOGETHER)
    this.#isReading = true
    if (this.#isLeaving) void this.#close()
    try {
      return await batch
    } finally {
      this.#isReading = false
    }
  }

  /** False when nobody reads any more, as behind `head`. */
  async #write(batch: readonly unknown[]): Promise<boolean> {
    const text = batch.map((result) => this.#encoded(result)).join('')
    if (this.#file !== undefined) await this.#file.write(text)
    else if (!(await written(text))) return false
    this.results += batch.length
    return true
  }

  /** Where the lines of a file say how far it goes, a result is one of them. */
  #encoded(result: unknown): string {
    const text = this.#encode(result)
    if (this.#formats.to === 'text' && this.#file !== undefined && text.indexOf('\n') < text.length - 1)
      throw new OutputError('a result has a line end in it: with --out-file each is one line; --out ndjson writes it as such')
    return text
  }

  #leave(failure: { readonly error: unknown } | undefined): void {
    this.#isLeaving = true
    this.#failure ??= failure
    // What is being written is told as delivered first.
    if (this.#isReading) void this.#close()
  }

  async #close(): Promise<void> {
    try {
      await this.#results?.return?.()
    } catch {
      // What it threw while closing concerns nobody: it is kept, and would throw again.
    }
    this.#isClosed = true
  }

  /** The events behind those that are done. The end of an input is kept like an event, so an input that is stopped, or is wrong, does not end. */
  async #from(from: number): Promise<AsyncIterable<unknown>> {
    const { types, maxLine, skip } = this.#formats
    const events = new Events(this.#plan.read(), formatReader(this.#plan.from, maxLine, types), skip)
    this.#input = events
    for (; this.#passed < from && !this.#isLeaving; this.#passed++) {
      if ((await events.next()).done === true && !this.#isLeaving) {
        const why = 'it is not the one that was interrupted'
        throw new UsageError(`the input has ${this.#passed} events, and ${from} were taken before: ${why}`)
      }
    }
    const next = async (): Promise<Next> => {
      try {
        const result = await events.next()
        if (result.done !== true || !this.#isLeaving) return result
      } catch (error) {
        this.#leave({ error })
      }
      return new Promise(() => undefined)
    }
    return { [Symbol.asyncIterator]: () => ({ next, return: () => events.return() }) }
  }
}
