// js/operators/many: several sources as one, and one source for several readers. Knows nothing of stream functions.
//
// One of several sources that an operator reads itself. A source is given back at most once, never after it ended or threw.

import type { Source } from '../../index.js'
import { checkReturned, readResult } from '../../kit/iteration/iteration.js'
import { allDone, isThenable, silence } from '../../kit/promises.js'

export class SourceReader<Value> {
  readonly #source: Source<Value>
  #iterator: AsyncIterator<Value> | Iterator<Value | PromiseLike<Value>> | undefined
  #isSync = false
  /** A next() has not settled. */
  #pending = false
  /** It ended, threw, or was given back. */
  #spent = false
  /** Where a read that is pending can only be ended by destroying the source, as with a Readable of Node. */
  readonly #destroy: (() => void) | undefined

  constructor(source: Source<Value>) {
    this.#source = source
    const node = source as { destroy?: () => void; pipe?: unknown }
    if (typeof node.destroy === 'function' && typeof node.pipe === 'function') this.#destroy = () => void node.destroy?.()
  }

  get isSpent(): boolean {
    return this.#spent
  }

  /** Pulls once, and tells one of the two. */
  pull(onResult: (result: IteratorResult<Value, unknown>) => void, onError: (error: unknown) => void): void {
    this.#pending = true
    this.#next().then(
      (result) => {
        this.#pending = false
        if (result.done === true) this.#spent = true
        onResult(result)
      },
      (error) => {
        this.#pending = false
        this.#spent = true
        onError(error)
      },
    )
  }

  /** Gives it back. Resolves when it is, at once while a next() is pending, because its return() would queue behind that. */
  async leave(): Promise<void> {
    if (this.#spent) return
    this.#spent = true
    // Nor does a Readable hear of its iterator's return() before the first pull.
    if (this.#destroy !== undefined && (this.#pending || this.#iterator === undefined)) return this.#destroy()
    const iterator = (this.#iterator ??= this.#open())
    const { return: giving } = iterator as { return?: () => unknown }
    if (giving == null) return
    const returned = giving.call(iterator)
    if (!this.#pending) checkReturned(await returned)
    else if (isThenable(returned)) silence(returned)
  }

  #open(): AsyncIterator<Value> | Iterator<Value | PromiseLike<Value>> {
    const source = this.#source as AsyncIterable<Value> & Iterable<Value>
    this.#isSync = typeof source[Symbol.asyncIterator] !== 'function'
    return this.#isSync ? source[Symbol.iterator]() : source[Symbol.asyncIterator]()
  }

  async #next(): Promise<IteratorResult<Value, unknown>> {
    this.#iterator ??= this.#open()
    const result = readResult<Value | PromiseLike<Value>>(await this.#iterator.next())
    if (result.done === true) return result
    // A sync source may hold promises. One that rejects ends it, and the source does not know that.
    try {
      const { value } = result
      return { value: this.#isSync && isThenable(value) ? await value : (value as Value), done: false }
    } catch (error) {
      await this.leave().catch(() => undefined)
      throw error
    }
  }
}

/** Gives all back; rejects with the first error that one of them throws. */
export async function leaveAll(sources: readonly SourceReader<unknown>[]): Promise<void> {
  await allDone(sources.map((source) => source.leave()))
}
