// What `fn(source)` gives: results, one for each `next()`. The stream is opened at the first of them.

import { erroredOf, FAILURE } from '../engine/channels/source.js'
import type { Definition } from '../engine/definition.js'
import { currentScope } from '../engine/lease.js'
import { CallMode, type Leash } from '../engine/modes/call.js'
import type { Failure } from '../kit/errors.js'
import { holds, MARK, type Mark, type Marking } from '../kit/marks.js'
import { iterationEnd } from '../kit/promises.js'
import type { ValueIterator } from '../kit/types.js'

/** Who drops the results before their end can end nothing any more: then the garbage collector does. */
const abandoned = new FinalizationRegistry<Leash>((leash) => leash.call?.abandoned())

type End<Out> = Promise<IteratorResult<Out, undefined>>

export class Results<Out> implements ValueIterator<Out>, AsyncDisposable, Marking {
  readonly #def: Definition
  readonly #source: unknown
  readonly #ahead: number
  readonly #signal: AbortSignal | undefined
  /** The async context of the call, in which the function runs. */
  readonly #scope = currentScope()
  #call: CallMode | null = null
  /** It was returned before it started. */
  #over = false

  constructor(def: Definition, source: unknown, ahead: number, signal: AbortSignal | undefined) {
    this.#def = def
    this.#source = source
    this.#ahead = ahead
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** What its own source has failed with: for a function that is pulled from it, and may be aborted first. */
  get [FAILURE](): Failure | undefined {
    return erroredOf(this.#source)
  }

  /** In lockstep an event is done when the next one is asked for; else nothing is known before the end. */
  [MARK](): Mark | undefined {
    const isLockstep = this.#ahead === 0 && !this.#def.remote && !this.#def.stages.some(({ fn }) => holds(fn))
    return isLockstep ? undefined : { results: -1, events: 0, exact: false }
  }

  next(): End<Out> {
    const call = this.#call
    if (this.#over) return iterationEnd()
    return (call === null ? this.#start() : call.next(this)) as End<Out>
  }

  /** Closes the stream: a pending `next()` is done at once. Resolves when the function has finished, at the latest after `closeTimeout`. */
  async return(value?: unknown): End<Out> {
    this.#over = true
    await this.#call?.instance.close()
    return { value: (await value) as undefined, done: true }
  }

  /** Aborts the stream with `error` as reason, and rejects with it. */
  async throw(error?: unknown): End<Out> {
    this.#over = true
    this.#call?.instance.abort(error)
    throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async #start(): End<unknown> {
    const call = new CallMode(this.#def, this.#source, this.#ahead, this.#signal, this.#scope)
    this.#call = call
    abandoned.register(this, call.leash)
    return call.next(this)
  }
}
