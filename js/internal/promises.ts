// Small helpers around promises: one shared resolved promise, a cheap way to make a pending one, and silence for those that may float.

/** Shared by every call that is done at once. */
export const DONE_VOID: Promise<void> = Promise.resolve()

export type Resolve = (value: unknown) => void

/** The functions of the promise that `new Promise(capture)` made last: read them before anything else can make one. */
export let lastResolve: Resolve
export let lastReject: (reason: unknown) => void

/** Executor without a closure of its own: `new Promise(capture)` costs half of one with. */
export function capture(resolve: Resolve, reject: (reason: unknown) => void): void {
  lastResolve = resolve
  lastReject = reject
}

function nothing(): void {}

/** Keeps a rejection that nobody handles from ending the process (rule 16); whoever awaits the promise still sees it. */
export function silence<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, nothing)
  return promise
}

/** A rejected promise that may float. */
export function refuse<T = never>(error: unknown): Promise<T> {
  return silence(Promise.reject(error))
}

/** The end of an iteration, a fresh promise each time as a generator gives. */
export function iterationEnd<T>(): Promise<IteratorResult<T, undefined>> {
  return Promise.resolve({ value: undefined, done: true })
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
