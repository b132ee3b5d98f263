// The events of one input: bytes are read when the function asks for more, and never more than a chunk ahead.

import type { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { InputError } from '../failure.js'
import { type FormatReader, NONE } from './formats.js'

type Next = IteratorResult<unknown, undefined>

const DONE: Next = { value: undefined, done: true }

interface Waiting {
  resolve(next: Next): void
  reject(error: unknown): void
}

/** What the function is fed from. */
export class Events implements AsyncIterableIterator<unknown> {
  readonly #input: Readable
  readonly #reader: FormatReader
  readonly #skip: ((error: InputError) => void) | undefined
  /** The function waits for its next event. */
  #waiting: Waiting | undefined
  #ended = false
  #stopped = false
  /** Why the input ended early: kept, because the function may catch it. */
  failure: unknown
  /** Events given to the function. */
  count = 0

  /** `skip` is told of every line that is wrong and left out; without it the first one ends the input. */
  constructor(input: Readable, reader: FormatReader, skip?: (error: InputError) => void) {
    this.#input = input
    this.#reader = reader
    this.#skip = skip
    input.on('readable', this.#pump)
    input.on('end', this.#pump)
    input.on('error', this.#fail)
  }

  next(): Promise<Next> {
    try {
      const event = this.#stopped ? NONE : this.#take()
      if (event !== NONE) return Promise.resolve({ value: event, done: false })
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#stopped || this.#ended) return Promise.resolve(DONE)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#pump()
    })
  }

  /** The function wants no more. */
  return(): Promise<Next> {
    this.stop()
    return Promise.resolve(DONE)
  }

  /** Ends the input here: what has been read and not been asked for is left out. */
  stop(): void {
    this.#stopped = true
    this.#input.off('readable', this.#pump)
    this.#input.off('end', this.#pump)
    // An error that comes now concerns nobody.
    this.#input.destroy()
    this.#settle((waiting) => waiting.resolve(DONE))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next event that is there already. Throws what ends the input. */
  #take(): unknown {
    for (;;) {
      try {
        const event = this.#reader.next()
        if (event !== NONE) this.count++
        return event
      } catch (error) {
        if (this.#skip === undefined || !(error instanceof InputError) || error.fatal) {
          this.failure = error
          this.stop()
          throw error
        }
        this.#skip(error)
      }
    }
  }

  readonly #pump = (): void => {
    while (this.#waiting !== undefined) {
      const chunk = this.#input.read() as Buffer | null
      if (chunk !== null) {
        this.#reader.push(chunk)
      } else if (this.#input.readableEnded && !this.#ended) {
        this.#ended = true
        this.#reader.finish()
      } else if (!this.#ended) {
        return
      }
      try {
        const event = this.#take()
        if (event !== NONE) this.#settle((waiting) => waiting.resolve({ value: event, done: false }))
        else if (this.#ended) this.#settle((waiting) => waiting.resolve(DONE))
      } catch (error) {
        this.#settle((waiting) => waiting.reject(error))
      }
    }
  }

  readonly #fail = (error: Error): void => {
    if (this.#stopped) return
    this.failure = new InputError(`the input cannot be read: ${error.message}`)
    this.#stopped = true
    this.#settle((waiting) => waiting.reject(this.failure))
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) how(waiting)
  }
}
