// js/kit/iteration: the ways from a source to its reader: the iterator protocol, and what add-ons agree on to hand over more than one value at a time.
// Knows nothing of streams and their life.
//
// The iterator protocol as ECMA-262 has it, for results that foreign code gives: `done` by ToBoolean, and a result that is no object is a TypeError.

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Whether a result of `next()` is the end. Throws TypeError for what is no object, and whatever reading it throws. */
export function isEnd(result: unknown): boolean {
  if (!isObject(result)) throw new TypeError(`the source's next() must give an object, got ${String(result)}`)
  return Boolean((result as Partial<IteratorResult<unknown>>).done)
}

/** What `return()` gave. Throws TypeError for what is no object. */
export function checkReturned(result: unknown): void {
  if (!isObject(result)) throw new TypeError(`the source's return() must give an object, got ${String(result)}`)
}

/** A result of `next()` as one of ours: each of its members is read once. Throws as `isEnd` does. */
export function readResult<Value>(result: unknown): IteratorResult<Value, undefined> {
  if (isEnd(result)) return { value: undefined, done: true }
  return { value: (result as { value: Value }).value, done: false }
}
