// The streams that a server has opened, with a client or without: a server that stops waits for them, whatever became of their connections.

import type { OpenOptions, StreamFunction } from '../index.js'

type AnyFunction = StreamFunction<never, unknown>

/** Counts open streams of the functions it was shown. */
export class OpenStreams {
  #count = 0
  #idle: (() => void) | undefined

  /** The same function, but what it opens is counted. */
  counted(fn: AnyFunction): AnyFunction {
    const open = (options?: OpenOptions) => {
      const stream = fn.open(options)
      this.#count++
      void stream.closed.then(() => {
        this.#count--
        if (this.#count === 0) this.#idle?.()
      })
      return stream
    }
    return new Proxy(fn, { get: (target, key) => (key === 'open' ? open : Reflect.get(target, key)) })
  }

  /** Resolves when none is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      if (this.#count === 0) resolve()
    })
  }
}
