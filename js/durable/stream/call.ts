// What `fn(source)` of a durable function gives: its results one by one. The stream is opened at the first of them.

import type { AsyncResource } from 'node:async_hooks'
import { currentScope } from '../../engine/lease.js'
import { BATCH, type Batched } from '../../kit/iteration/batches.js'
import { iterationEnd } from '../../kit/promises.js'
import type { ValueIterator } from '../../kit/types.js'
import type { DurableLive } from './durable-live.js'
import { feeding } from './run.js'

type End = Promise<IteratorResult<unknown, undefined>>

export class DurableResults implements ValueIterator<unknown>, AsyncDisposable, Batched {
  readonly #open: (scope: AsyncResource) => DurableLive
  readonly #source: unknown
  /** The async context of the call, in which the function runs. */
  readonly #scope = currentScope()
  #live: DurableLive | undefined
  #results: Promise<ValueIterator<unknown>> | undefined
  #isOver = false

  constructor(open: (scope: AsyncResource) => DurableLive, source: unknown) {
    this.#open = open
    this.#source = source
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): End {
    if (this.#isOver) return iterationEnd()
    return (await this.#started()).next() as End
  }

  async [BATCH](max: number): Promise<unknown[]> {
    if (!this.#isOver) await this.#started()
    // Also at the end: to ask for more says that those before were delivered.
    return (await this.#live?.output.recvBatch(max)) ?? []
  }

  /** Closes the stream, which is kept for later. */
  async return(value?: unknown): End {
    this.#isOver = true
    await this.#live?.close()
    return { value: (await value) as undefined, done: true }
  }

  async throw(error?: unknown): End {
    this.#isOver = true
    this.#live?.abort(error)
    throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #started(): Promise<ValueIterator<unknown>> {
    if (this.#results === undefined) {
      this.#live = this.#open(this.#scope)
      this.#results = feeding(this.#live, this.#source)
    }
    return this.#results
  }
}
