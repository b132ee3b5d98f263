// merge: several sources as one, in the order in which their events come. At most one event of each source waits.

import type { Source, ValueIterator } from '../../index.js'
import { iterable } from '../../kit/check.js'
import { silence } from '../../kit/promises.js'
import { Yielder } from '../engine/yielder.js'
import { leaveAll, SourceReader } from './source-reader.js'

/** What a source gives. */
export type Given<From> = From extends Source<infer Value> ? Value : never

class Merged<Value> extends Yielder<Value> {
  readonly #sources: readonly SourceReader<Value>[]
  /** Those that gave an event which waits to be read, oldest first: they are not pulled before it is. */
  #waiting: SourceReader<Value>[] = []
  #open: number

  constructor(sources: readonly Source<Value>[]) {
    super()
    this.#sources = sources.map((source) => new SourceReader<Value>(source))
    this.#open = sources.length
  }

  protected begin(): void {
    if (this.#open === 0) this.end()
    for (const source of this.#sources) this.#pull(source)
  }

  protected wanted(): void {
    if (this.isOver) return
    // One event was read for each source that is no longer owed a place.
    while (this.#waiting.length > this.unread) this.#pull(this.#waiting.shift() as SourceReader<Value>)
  }

  protected leave(): Promise<void> {
    return leaveAll(this.#sources)
  }

  #pull(source: SourceReader<Value>): void {
    source.pull(
      (result) => {
        if (this.isOver) return
        if (result.done === true) {
          if (--this.#open === 0) this.end()
          return
        }
        const isAwaited = this.isAwaited
        this.give(result.value)
        if (isAwaited) this.#pull(source)
        else this.#waiting.push(source)
      },
      (error) => {
        if (this.isOver) return
        this.end({ error })
        silence(this.leave())
      },
    )
  }
}

/**
 * The events of several sources as they come. Starts with the first `next()`; every source is pulled by itself, one event ahead at most, and none waits for another.
 * Ends when all have ended. The error of one source is told after the events that came before it; the others get return(), as all do on early exit.
 *
 * @example
 * for await (const event of merge(clicks, keys)) handle(event)
 *
 * @throws VeloError `VELO_CONFIG` for what cannot be iterated.
 */
export function merge<Sources extends readonly Source<unknown>[]>(
  ...sources: Sources
): ValueIterator<Given<Sources[number]>> & AsyncDisposable {
  for (const [index, source] of sources.entries()) iterable(source, `merge(sources)[${index}]`)
  return new Merged(sources) as unknown as ValueIterator<Given<Sources[number]>> & AsyncDisposable
}
