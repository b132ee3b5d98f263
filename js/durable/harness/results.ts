// What the library gets as a function of a durable stream: each request for a result has its place among the outcomes of its steps. Results of the last function are encoded.

import { AsyncResource } from 'node:async_hooks'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import { shared } from '../../workers/codec/bytes/slab.js'
import { encodeRecord } from '../../workers/codec/late-record.js'
import { type Delivery, Kind } from './delivery-queue.js'
import type { Hosted } from './hosted.js'
import type { StageSteps } from './stage-steps.js'

type Result = IteratorResult<unknown, unknown>

export class HostedResults implements AnyGenerator {
  readonly #generator: AnyGenerator
  readonly #steps: StageSteps
  /** If it is the last function. */
  readonly #hosted: Hosted | undefined
  /** The async context in which the function was called, and runs (rule 17). */
  readonly #scope: AsyncResource | undefined
  readonly #wrap = (result: Result): Result | Promise<Result> => {
    this.#steps.queue.isAtWork = false
    if (result.done === true) {
      this.#steps.end()
      return result
    }
    const hosted = this.#hosted
    if (hosted === undefined) return result
    let value: Uint8Array
    try {
      value = encodeRecord(result.value, hosted.codec, shared)
    } catch (error) {
      // It cannot be kept: the function may deal with that at its yield.
      return this.throw(error)
    }
    hosted.gave()
    return { value, done: false }
  }
  readonly #fail = (error: unknown): never => {
    this.#steps.end()
    throw error
  }

  constructor(generator: AnyGenerator, steps: StageSteps, hosted: Hosted | undefined) {
    this.#generator = generator
    this.#steps = steps
    this.#hosted = hosted
    this.#scope = steps.queue.isLoose ? undefined : new AsyncResource('VeloStream')
  }

  next(): Promise<Result> {
    if (this.#scope === undefined || this.#steps.queue.pullsNow()) return this.#next()
    const pull = new Pull(this.#scope, this.#ask)
    this.#steps.queue.add(pull)
    return pull.promise
  }

  return(value: unknown): Promise<Result> {
    this.#steps.queue.begin()
    return this.#generator.return(value).then(this.#wrap, this.#fail)
  }

  throw(error: unknown): Promise<Result> {
    this.#steps.queue.begin()
    return this.#generator.throw(error).then(this.#wrap, this.#fail)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return(undefined)
  }

  #next(): Promise<Result> {
    return this.#generator.next().then(this.#wrap, this.#fail)
  }

  readonly #ask = (): Promise<Result> => this.#next()
}

/** A request for the next result. */
class Pull implements Delivery {
  readonly kind = Kind.Pull
  readonly isReady = true
  readonly promise: Promise<Result>
  private readonly scope: AsyncResource
  private readonly ask: () => Promise<Result>
  private resolve: (result: Result) => void = () => {}
  private reject: (error: unknown) => void = () => {}

  constructor(scope: AsyncResource, ask: () => Promise<Result>) {
    this.scope = scope
    this.ask = ask
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  deliver(): void {
    this.scope.runInAsyncScope(this.ask).then(this.resolve, this.reject)
  }
}
