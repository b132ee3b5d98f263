// `stream.feed(source)`: sends a source through a live stream while its results are read.

import { type Opened, openSource } from '../engine/channels/source.js'
import type { LiveMode } from '../engine/modes/live.js'
import { isEnd } from '../kit/iteration.js'
import { isThenable, silence } from '../kit/promises.js'
import { STARVES } from '../kit/starving.js'

export class Feed<Out> implements AsyncIterableIterator<Out>, AsyncDisposable {
  readonly #live: LiveMode

  constructor(live: LiveMode, source: unknown) {
    this.#live = live
    silence(pump(live, openSource<unknown>(source)))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Of a pipeline over several threads nobody knows: a later stage may be at work while the first one waits. */
  get [STARVES](): boolean {
    const { row, instance, hasUnread } = this.#live
    const { stages, remote } = instance.def
    if (hasUnread || !row.isWaiting || (remote && stages.length > 1)) return false
    return row.accepted === row.delivered && row.yielded === row.read
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    return this.#live.output.next() as Promise<IteratorResult<Out, undefined>>
  }

  async return(value?: unknown): Promise<IteratorResult<Out, undefined>> {
    await this.#live.instance.close()
    return { value: (await value) as undefined, done: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#live.instance.close()
  }
}

/** Sends until the source ends, or the stream does; then the source is given back. */
async function pump(live: LiveMode, opened: Opened<unknown>): Promise<void> {
  const iterator = opened.kind === 'array' ? opened.array[Symbol.iterator]() : opened.iterator
  let pulling = false
  let spent = false
  const giveBack = (): void => {
    if (spent) return
    spent = true
    try {
      if (pulling && opened.kind === 'async' && opened.destroy !== undefined) return opened.destroy()
      const returned = iterator.return?.()
      if (isThenable(returned)) silence(Promise.resolve(returned))
    } catch {
      // It is given up: what it throws then concerns nobody.
    }
  }
  live.feedFrom(giveBack)
  // The function may end while the source is silent: then nobody would ask the source again.
  void live.instance.ending.whenEnded().then(giveBack)
  for (;;) {
    let event: unknown
    try {
      pulling = true
      const result = await iterator.next()
      pulling = false
      if (isEnd(result)) {
        spent = true
        return live.endInput()
      }
      event = isThenable(result.value) && opened.kind !== 'async' ? await result.value : result.value
    } catch (error) {
      spent = true
      return live.endInput({ error })
    }
    if (spent) return
    try {
      await live.input.send(event, undefined)
    } catch (error) {
      giveBack()
      return live.endInput({ error })
    }
  }
}
