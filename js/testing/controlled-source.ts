// A source that gives what a test pushes, when the test pushes it, and says what is done to it.

import type { ValueIterator } from '../index.js'

/** What `controlledSource()` gives: a source, with the other end in the hands of the test. One reader. */
export interface ControlledSource<T> extends ValueIterator<T> {
  /** The next event. Waits in line until it is asked for. Throws after `end()` and `fail()`. */
  push(...events: T[]): void
  /** No more events: the source ends once what was pushed has been asked for. */
  end(): void
  /** The same with an error, which it throws in place of the end. */
  fail(error: unknown): void
  /** Resolves when the source is asked for an event beyond those that were pushed; at once while somebody waits for one. */
  pull(): Promise<void>
  /** How often it was asked for an event. */
  readonly pulled: number
  /** How often it was given back: 0 or 1 where everything is as it should be. */
  readonly returned: number
}

/** Makes a source that a test drives by hand. */
export function controlledSource<T>(): ControlledSource<T> {
  const events: T[] = []
  const readers: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[] = []
  const watchers: (() => void)[] = []
  let outcome: { error?: unknown } | undefined
  let [pulled, returned] = [0, 0]

  const serve = (): void => {
    while (readers.length > 0 && (events.length > 0 || outcome !== undefined)) {
      const reader = readers.shift()
      if (events.length > 0) reader?.resolve({ value: events.shift() as T, done: false })
      else if (outcome !== undefined && 'error' in outcome) {
        const { error } = outcome
        outcome = {}
        reader?.reject(error)
      } else reader?.resolve({ value: undefined, done: true })
    }
    if (readers.length > 0) for (const watcher of watchers.splice(0)) watcher()
  }
  const finish = (how: { error?: unknown }): void => {
    if (outcome !== undefined) throw new Error('the source has ended')
    outcome = how
    serve()
  }

  return {
    push(...more) {
      if (outcome !== undefined) throw new Error('push() after the end of the source')
      for (const event of more) events.push(event)
      serve()
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    pull: () => new Promise((resolve) => (readers.length > 0 ? resolve() : watchers.push(resolve))),
    next: () =>
      new Promise((resolve, reject) => {
        pulled++
        readers.push({ resolve, reject })
        serve()
      }),
    async return(value?: unknown) {
      returned++
      events.length = 0
      outcome = {}
      serve()
      return { value: (await value) as undefined, done: true }
    },
    async throw(error?: unknown) {
      await this.return?.()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    [Symbol.asyncDispose]() {
      return this.return?.().then(() => undefined) ?? Promise.resolve()
    },
    get pulled() {
      return pulled
    },
    get returned() {
      return returned
    },
  } as ControlledSource<T>
}
