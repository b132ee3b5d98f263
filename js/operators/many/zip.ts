// zip: several sources side by side, one event of each at a time.

import type { Source, ValueIterator } from '../../index.js'
import { iterable } from '../../kit/check.js'
import { silence } from '../../kit/promises.js'
import { Yielder } from '../engine/yielder.js'
import type { Given } from './merge.js'
import { leaveAll, SourceReader } from './source-reader.js'

class Zipped extends Yielder<unknown[]> {
  readonly #sources: readonly SourceReader<unknown>[]
  /** The row that is being made, and how many of it are missing; 0 while none is. */
  #row: unknown[] = []
  #missing = 0

  constructor(sources: readonly Source<unknown>[]) {
    super()
    this.#sources = sources.map((source) => new SourceReader<unknown>(source))
  }

  protected begin(): void {
    if (this.#sources.length === 0) this.end()
    else this.wanted()
  }

  protected wanted(): void {
    if (this.#missing > 0 || this.isOver || !this.isAwaited) return
    this.#row = new Array(this.#sources.length)
    this.#missing = this.#sources.length
    for (const [place, source] of this.#sources.entries()) this.#pull(source, place)
  }

  protected leave(): Promise<void> {
    return leaveAll(this.#sources)
  }

  #pull(source: SourceReader<unknown>, place: number): void {
    source.pull(
      (result) => {
        if (this.isOver) return
        if (result.done === true) return this.#shortest()
        this.#row[place] = result.value
        if (--this.#missing > 0) return
        this.give(this.#row)
        this.wanted()
      },
      (error) => {
        if (this.isOver) return
        this.end({ error })
        silence(this.leave())
      },
    )
  }

  /** The shortest source has ended. What the others throw when they are given back is told. */
  #shortest(): void {
    this.leave().then(
      () => this.end(),
      (error) => this.end({ error }),
    )
  }
}

/**
 * Tuples of one event of each source, which are pulled at the same time, once for each `next()`. Ends with the shortest source; the others get return(), as all do on early
 * exit. The error of one source is told at once, and the others get return().
 *
 * @example
 * for await (const [reading, label] of zip(readings, labels)) plot(reading, label)
 *
 * @throws VeloError `VELO_CONFIG` for what cannot be iterated.
 */
export function zip<Sources extends readonly Source<unknown>[]>(
  ...sources: Sources
): ValueIterator<{ -readonly [Place in keyof Sources]: Given<Sources[Place]> }> & AsyncDisposable {
  for (const [index, source] of sources.entries()) iterable(source, `zip(sources)[${index}]`)
  return new Zipped(sources) as unknown as ValueIterator<{ -readonly [Place in keyof Sources]: Given<Sources[Place]> }> & AsyncDisposable
}
