// Waits that must end: a promise of somebody else's, at the latest after so many ms.

import type { Clock } from '../../kit/clock.js'
import { after } from './after.js'

/** Settles with `promise`, or resolves after `ms` of `clock`, Rust's where it is left out. */
export function bounded(promise: PromiseLike<unknown>, ms: number, clock?: Clock): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => resolve(undefined), clock)
    Promise.resolve(promise).then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error) => {
        cancel()
        reject(error)
      },
    )
  })
}
