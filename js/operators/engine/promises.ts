// Small helpers around promises: a cheap way to make a pending one, silence for those that may float, and what counts as a promise.

export type Resolve = (value: unknown) => void

/** The function of the promise that `new Promise(capture)` made last: read it before anything else can make one. */
export let lastResolve: Resolve

/** Executor without a closure of its own; to reject, resolve with a rejected promise. */
export function capture(resolve: Resolve): void {
  lastResolve = resolve
}

function nothing(): void {}

/** Keeps a rejection that nobody handles from ending the process; whoever awaits the promise still sees it. */
export function silence<T>(promise: PromiseLike<T>): void {
  promise.then(nothing, nothing)
}

/** A rejected promise that may float. */
export function refused(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  silence(promise)
  return promise
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** The end of an iteration. */
export const end = (value?: unknown): IteratorResult<never, unknown> => ({ value, done: true })
