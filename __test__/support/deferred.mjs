// Promises that a test settles by hand, and turns of the event loop that let microtasks settle.

/** A promise with its `resolve` and `reject`. */
export function deferred() {
  let resolve
  let reject
  const promise = new Promise((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** A promise that never settles. */
export const never = () => new Promise(() => {})

/** Lets `count` turns of the event loop pass. */
export async function turns(count = 4) {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

/** Whether `promise` is still pending after a few turns. Handles its rejection. */
export async function isPending(promise, count = 4) {
  let pending = true
  const settle = () => {
    pending = false
  }
  promise.then(settle, settle)
  await turns(count)
  return pending
}

/** Turns until `condition` holds; an error that names `what` after `ms`. */
export async function until(ms, condition, what) {
  const deadline = Date.now() + ms
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`)
    await turns(1)
  }
}

/** How `promise` settled: `{ value }` or `{ error }`. Handles its rejection from the call on. */
export function outcome(promise) {
  return promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
}
