// The streams that a server has opened, with a client or without: a server that stops waits for them, whatever became of their connections.

import type { OpenOptions, StreamFunction } from '../../index.js'

type AnyFunction = StreamFunction<never, unknown>

interface Place {
  /** The connection, and its stream. */
  holders: number
  readonly release: () => void
}

/** Counts open streams of the functions it was shown. */
export class OpenStreams {
  readonly #onOpen: (name: string, id: string | undefined) => void
  #count = 0
  #idle: (() => void) | undefined
  /** Places by the headers with which their streams are opened. */
  readonly #places = new WeakMap<object, Place>()

  /** `onOpen`: told the function of each stream that is opened, and its id where one was given. */
  constructor(onOpen: (name: string, id: string | undefined) => void) {
    this.#onOpen = onOpen
  }

  /** A place for a connection and the stream that it opens with `headers`, which may outlive it: taken back when both are over. Call the answer when the connection is. */
  hold(headers: object, release: () => void): () => void {
    const place = { holders: 1, release }
    this.#places.set(headers, place)
    let left = false
    return () => {
      if (!left) leave(place)
      left = true
    }
  }

  /** The same function, but what it opens is counted. */
  counted(fn: AnyFunction): AnyFunction {
    const open = (options?: OpenOptions) => {
      const stream = fn.open(options)
      this.#onOpen(fn.name, options?.id)
      this.#count++
      const place = options?.headers && this.#places.get(options.headers)
      if (place !== undefined) place.holders++
      void stream.closed.then(() => {
        if (place !== undefined) leave(place)
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

function leave(place: Place): void {
  place.holders--
  if (place.holders === 0) place.release()
}
