// Events on their way from a source to the instances that work on them: read ahead by a batch, and kept until they are done, so that they can be given again.
//
// Owns: the reading, its bound and its end. Not here: which events are done.

import { DONE_VOID, silence } from '../../kit/promises.js'
import type { AckSource } from './contract.js'

/** Most events that are read and have not reached the function, where the source does not say it. */
const AHEAD = 1024

type Reader = AsyncIterator<readonly unknown[], unknown, number | undefined>

export interface IntakeOwner {
  /** Events that have reached the function. */
  readonly begun: number
  /** Calls `reached` once, when all events before number `upTo` have reached the function. */
  whenBegun(upTo: number, reached: () => void): void
}

export class Intake {
  readonly #source: AsyncIterable<unknown> & Partial<AckSource<unknown>>
  readonly #most: number
  readonly #ahead: number
  readonly #owner: IntakeOwner
  #reader: Reader | undefined
  /** Those that are not done, from number `#first` on; only their places, where the source can make them again. */
  #events: unknown[] = []
  #first = 0
  /** Those before it were asked for. */
  #asked = 0
  #isReading = false
  #wake: (() => void) | undefined
  /** The source has ended, or is not wanted any more. */
  isOver = false
  /** What it threw. */
  failure: { error: unknown } | undefined

  /** Keeps at most `most` events that are not done, as far as the source lets itself be told. */
  constructor(source: AsyncIterable<unknown> & Partial<AckSource<unknown>>, most: number, owner: IntakeOwner) {
    this.#source = source
    this.#most = most
    this.#ahead = source.ahead ?? AHEAD
    this.#owner = owner
  }

  /** How many events came. */
  get received(): number {
    return this.#first + this.#events.length
  }

  /** Those from number `from` on that are here, at most `most`. */
  take(from: number, most: number): unknown[] {
    const events = this.#events.slice(from - this.#first, from - this.#first + most)
    const { again } = this.#source
    if (again !== undefined) {
      // What was given before is made anew: a function may have changed it.
      for (let at = 0; at < events.length && from + at < this.#asked; at++) events[at] = again.call(this.#source, from + at)
      // So it need not outlive the function's work on it.
      this.#events.fill(undefined, from - this.#first, from - this.#first + events.length)
    }
    this.#asked = Math.max(this.#asked, from + events.length)
    this.#read()
    return events
  }

  /** Every event before number `upTo` is done. */
  release(upTo: number): void {
    if (upTo <= this.#first) return
    this.#events.splice(0, upTo - this.#first)
    this.#first = upTo
    this.#read()
  }

  /** Resolves when there are more events than `than`, when there will be none, or when somebody wakes it. */
  more(than: number): Promise<void> {
    if (this.received > than || this.isOver) return DONE_VOID
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#read()
    })
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** No more is read. */
  stop(): void {
    if (!this.isOver && this.#reader !== undefined) silence(Promise.resolve(this.#reader.return?.()))
    this.#over()
  }

  #over(): void {
    this.isOver = true
    this.wake()
  }

  #read(): void {
    const room = this.#most - this.#events.length
    if (this.#isReading || this.isOver || room <= 0) return
    // While the second half of what was read reaches the function, more is read.
    const enough = this.received - Math.floor(this.#ahead / 2)
    if (this.#owner.begun < enough) return this.#owner.whenBegun(enough, this.#begun)
    this.#isReading = true
    try {
      this.#reader ??= this.#source.batches?.() ?? oneByOne(this.#source[Symbol.asyncIterator]())
      this.#reader.next(room).then(this.#came, this.#threw)
    } catch (error) {
      this.#threw(error)
    }
  }

  /** Not in the turn in which the function asks. */
  readonly #begun = (): void => queueMicrotask(() => this.#read())

  readonly #came = ({ done, value }: IteratorResult<readonly unknown[]>): void => {
    this.#isReading = false
    if (this.isOver) return
    if (done === true) return this.#over()
    for (const event of value) this.#events.push(event)
    this.wake()
    this.#read()
  }

  readonly #threw = (error: unknown): void => {
    this.#isReading = false
    if (!this.isOver) this.failure = { error }
    this.#over()
  }
}

/** Each event as a batch of its own. */
function oneByOne(events: AsyncIterator<unknown>): Reader {
  return {
    next: () => events.next().then(({ done, value }) => (done === true ? { done, value: undefined } : { done: false, value: [value] })),
    return: async () => {
      await events.return?.()
      return { done: true, value: undefined }
    },
  }
}
