// Results that came and were not read, as they came. Owns: the line of those who read, and the end. What is in it is bounded by whoever fills it, by `cost`.

import { VeloError } from '../../kit/errors.js'
import { iterationEnd } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import { costOf, type Frame } from './frame.js'

interface Reader<Out> {
  readonly resolve: (result: IteratorResult<Out, undefined> | Promise<IteratorResult<Out, undefined>>) => void
  readonly reject: (error: unknown) => void
}

export class Inbox<Out> {
  readonly #text: 'json' | 'raw'
  /** A result cannot be read. */
  readonly #broken: (error: VeloError) => void
  readonly #frames = new Queue<Frame>()
  readonly #readers = new Queue<Reader<Out>>()
  #isOver = false
  /** Somebody has got the error of the end already. */
  #isTold = false
  /** Thrown once, after the results before it. */
  #error: { readonly error: unknown } | undefined
  /** Bytes that unread results cost. */
  cost = 0

  constructor(text: 'json' | 'raw', broken: (error: VeloError) => void) {
    this.#text = text
    this.#broken = broken
  }

  put(frame: Frame): void {
    if (this.#isOver) return
    if (this.#readers.length === 0) {
      this.cost += costOf(frame)
      this.#frames.push(frame)
      return
    }
    const { resolve, reject } = this.#readers.shift()
    const read = this.#read(frame)
    if ('value' in read) resolve({ value: read.value, done: false })
    else reject(this.#fail(read.error))
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    if (this.#frames.length > 0) {
      const frame = this.#frames.shift()
      this.cost -= costOf(frame)
      const read = this.#read(frame)
      return 'value' in read ? Promise.resolve({ value: read.value, done: false }) : Promise.reject(this.#fail(read.error))
    }
    if (!this.#isOver) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
    const failure = this.#error
    this.#error = undefined
    return failure === undefined ? iterationEnd() : Promise.reject(failure.error)
  }

  /** Nothing more comes. With `drop` what was not read goes as well. */
  end(failure: { readonly error: unknown } | undefined, drop: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    if (!this.#isTold) this.#error = failure
    if (drop) this.drop()
    while (this.#readers.length > 0) {
      const { resolve } = this.#readers.shift()
      resolve(this.next())
    }
  }

  /** What was not read goes. */
  drop(): void {
    this.#frames.clear()
    this.cost = 0
  }

  #fail(error: VeloError): VeloError {
    this.#isTold = true
    this.#broken(error)
    return error
  }

  #read(frame: Frame): { readonly value: Out } | { readonly error: VeloError } {
    if (typeof frame !== 'string' || this.#text === 'raw') return { value: frame as Out }
    try {
      return { value: JSON.parse(frame) }
    } catch (cause) {
      return { error: new VeloError('VELO_CODEC', "a result is no JSON; connect(options).text: 'raw' takes text as it is", { cause }) }
    }
  }
}
