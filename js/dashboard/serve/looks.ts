// When a page is told: at once, and then once a second while it takes what it is told. It is a source like any other, so a page that does not read is not looked for either.

/** ms between two looks. */
const LOOK_MS = 1000
/**
 * The feed ends after so many, and the page opens the next one. So who may no longer look sees nothing more soon, and `runtime.drain()` need not wait for a page that stays open.
 */
const LOOKS = 8

/** Gives the same value at each look. Hand-written: `return()` of an async generator would wait for its timer. */
export class Looks<Value> implements AsyncIterableIterator<Value> {
  readonly #value: Value
  #left = LOOKS
  #nextAt = 0
  #timer: NodeJS.Timeout | undefined
  #settle: ((result: IteratorResult<Value, undefined>) => void) | undefined

  constructor(value: Value) {
    this.#value = value
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    const now = performance.now()
    if (this.#left-- <= 0) return this.return()
    const wait = this.#nextAt - now
    this.#nextAt = Math.max(now, this.#nextAt) + LOOK_MS
    if (wait <= 0) return Promise.resolve({ value: this.#value, done: false })
    return new Promise((resolve) => {
      this.#settle = resolve
      this.#timer = setTimeout(() => this.#done({ value: this.#value, done: false }), wait)
    })
  }

  return(): Promise<IteratorResult<Value, undefined>> {
    this.#left = 0
    clearTimeout(this.#timer)
    this.#done({ value: undefined, done: true })
    return Promise.resolve({ value: undefined, done: true })
  }

  #done(result: IteratorResult<Value, undefined>): void {
    this.#settle?.(result)
    this.#settle = undefined
  }
}
