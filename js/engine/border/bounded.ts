// Waits that must end: a promise of somebody else's, at the latest after so many ms.

import { cancelTimer, setTimer } from './mailbox.js'

/** Settles with `promise`, or resolves after `ms`. */
export function bounded(promise: PromiseLike<unknown>, ms: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimer(ms, () => resolve(undefined))
    Promise.resolve(promise).then(
      (value) => {
        cancelTimer(timer)
        resolve(value)
      },
      (error) => {
        cancelTimer(timer)
        reject(error)
      },
    )
  })
}
