// Small helpers around promises: one shared resolved promise, a cheap way to make a pending one, silence for those that may float,
// and what counts as a promise.

/** Shared by every call that is done at once. */
export const DONE_VOID: Promise<void> = Promise.resolve()

export type Resolve = (value: unknown) => void

/**
 * The `resolve` of the promise that `new Promise(capture)` created last: read it before another one is created. A field of a
 * constant, because loaders that copy the exports of a module do not see an exported variable change.
 */
export const captured: { resolve: Resolve } = { resolve: nothing }

/** Executor that needs no closure and stores `resolve` only: storing `reject` too would double the cost. */
export function capture(resolve: Resolve): void {
  captured.resolve = resolve
}

/** Rejects a promise of which only `resolve` was kept. */
export function rejectWith(resolve: Resolve, error: unknown): void {
  resolve(Promise.reject(error))
}

function nothing(): void {}

/** Keeps a rejection that nobody handles from ending the process (rule 16); whoever awaits the promise still sees it. */
export function silence<P extends PromiseLike<unknown>>(promise: P): P {
  // What only looks like a promise may call the first function without looking whether it is there.
  promise.then(nothing, nothing)
  return promise
}

/**
 * For a value that may be a promise which nothing awaits, or not yet. Other thenables are left alone:
 * they may begin their work when `then` is called.
 */
export function silenceIfPromise(value: unknown): void {
  if (value instanceof Promise) silence(value)
}

/** A rejected promise that may float. */
export function refuse<T = never>(error: unknown): Promise<T> {
  return silence(Promise.reject(error))
}

/** The end of an iteration, with what `return(value)` was given. */
export function endResult(value?: unknown): IteratorResult<never, unknown> {
  return { value, done: true }
}

/** A promise of the end of an iteration, a fresh one each time as a generator gives. */
export function iterationEnd<T>(): Promise<IteratorResult<T, undefined>> {
  return Promise.resolve({ value: undefined, done: true })
}

/** Waits for all of them; rejects with the error of the first one in the list that failed. */
export async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const { status, ...outcome } of await Promise.allSettled(promises)) {
    if (status === 'rejected') throw (outcome as { reason: unknown }).reason
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
