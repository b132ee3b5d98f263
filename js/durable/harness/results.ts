// What the library gets as the last function of a durable stream: its results are records.

import type { AnyGenerator } from '../../engine/stages/stage.js'
import { shared } from '../../workers/codec/bytes/slab.js'
import { encodeRecord } from '../../workers/codec/late-record.js'
import type { Hosted } from './hosted.js'

type Result = IteratorResult<unknown, unknown>

export class HostedResults implements AnyGenerator {
  readonly #generator: AnyGenerator
  readonly #hosted: Hosted
  readonly #wrap = (result: Result): Result | Promise<Result> => {
    if (result.done === true) return result
    let value: Uint8Array
    try {
      value = encodeRecord(result.value, this.#hosted.codec, shared)
    } catch (error) {
      // It cannot be kept: the function may deal with that at its yield.
      return this.throw(error)
    }
    this.#hosted.gave()
    return { value, done: false }
  }

  constructor(generator: AnyGenerator, hosted: Hosted) {
    this.#generator = generator
    this.#hosted = hosted
  }

  next(): Promise<Result> {
    return this.#generator.next().then(this.#wrap)
  }

  return(value: unknown): Promise<Result> {
    return this.#generator.return(value).then(this.#wrap)
  }

  throw(error: unknown): Promise<Result> {
    return this.#generator.throw(error).then(this.#wrap)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return(undefined)
  }
}
