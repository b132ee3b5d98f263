// Where results go: many small texts become few large writes, and a reader that is slow makes the function wait.

import type { Writable } from 'node:stream'
import { OutputError } from '../failure.js'

/** Characters after which a write does not wait for the end of the turn. */
const LARGE = 65_536

/** A buffered writer on a stream of bytes. */
export class Output {
  readonly #stream: Writable
  #text = ''
  #scheduled: NodeJS.Immediate | undefined
  #full = false
  #closed = false
  #wake: (() => void) | undefined
  /** Called once when nobody reads any more, or the stream failed. */
  onBroken: (() => void) | undefined
  /** Why nothing can be written any more; `undefined` also when the reader just went away, as `head` does. */
  failure: OutputError | undefined
  broken = false
  /** Results written. */
  count = 0

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', this.#onError)
    stream.on('drain', this.#onDrain)
  }

  /** Takes the text of one result. Where `full` is true afterwards, wait for `room()` before the next one. */
  write(text: string): void {
    this.count++
    this.#text += text
    if (this.#text.length >= LARGE) this.#flush()
    else this.#scheduled ??= setImmediate(this.#flush)
  }

  get full(): boolean {
    return this.#full && !this.broken
  }

  /** Resolves when there is room again, or never will be. */
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (!this.full) resolve()
    })
  }

  /** Writes what is left; resolves when the system has it. `end` closes the stream too. */
  async close(end: boolean): Promise<void> {
    this.#flush()
    this.#closed = true
    if (!this.broken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (end) this.#stream.end(() => resolve())
        else this.#stream.write('', () => resolve())
      })
    }
    this.#stream.off('drain', this.#onDrain)
    // What closes may still fail; on what stays open, others listen.
    if (!end) this.#stream.off('error', this.#onError)
  }

  readonly #flush = (): void => {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    const text = this.#text
    this.#text = ''
    if (text !== '' && !this.broken && !this.#closed) this.#full = !this.#stream.write(text)
  }

  readonly #onDrain = (): void => {
    this.#full = false
    this.#wake?.()
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (this.broken) return
    this.broken = true
    if (error.code !== 'EPIPE') this.failure = new OutputError(`the results cannot be written: ${error.message}`)
    this.#wake?.()
    this.onBroken?.()
  }
}
