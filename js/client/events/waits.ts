// The one wait of a subscription at a time, for code that may never answer: it ends with what is awaited, with its time, or when it is told to stop.

import { TimeoutError } from '../../kit/errors.js'

export class Waits {
  #stop: ((error: unknown) => void) | undefined
  #stopped: { readonly error: unknown } | undefined

  /** Settles as `work` does; rejects with `VELO_TIMEOUT` after `ms` (0 = never), and with the error of `stop` at once. */
  for<T>(work: () => T | PromiseLike<T>, ms: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) return reject(this.#stopped.error)
      let timer: ReturnType<typeof setTimeout> | undefined
      const over = () => {
        clearTimeout(timer)
        this.#stop = undefined
      }
      const fail = (error: unknown) => {
        over()
        reject(error)
      }
      this.#stop = fail
      if (ms > 0) timer = setTimeout(() => fail(new TimeoutError('VELO_TIMEOUT', `${what} within ${ms} ms`)), ms)
      // What settles after its time must not end the wait that came after it.
      const first =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          if (this.#stop === fail) over()
          settle(value)
        }
      new Promise<T>((done) => done(work())).then(first(resolve), first(reject))
    })
  }

  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const slept = this.for<void>(() => new Promise((resolve) => (timer = setTimeout(resolve, ms))), 0, '')
    slept.catch(() => clearTimeout(timer))
    return slept
  }

  /** Ends the present wait, and all later ones. */
  stop(error: unknown): void {
    if (this.#stopped !== undefined) return
    this.#stopped = { error }
    this.#stop?.(error)
  }

  /** Throws what `stop` was given. */
  check(): void {
    if (this.#stopped !== undefined) throw this.#stopped.error
  }
}
