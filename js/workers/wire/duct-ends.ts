// The ends of ducts that this isolate holds, and who looks after each: Rust says which of them need a look, the doorbell says when.

import { whenDirty } from '../../engine/border/mailbox.js'
import { native } from '../../engine/border/native.js'

/** By key: twice the duct, plus which end. */
const watchers = new Map<number, () => void>()
const keys = new Float64Array(256)

/** Takes an end of a duct; `wake` is called when there may be something to do there. One that nobody left to us takes and gives nothing. */
export function join(duct: number, end: number, wake: () => void): void {
  if (native.join(duct, end) === 1) watchers.set(duct * 2 + end, wake)
}

/** Gives an end up. What was sent before still arrives. */
export function part(duct: number, end: number): void {
  if (watchers.delete(duct * 2 + end)) native.part(duct, end)
  else native.discard(duct)
}

/** One that fails takes no other one with it: theirs is the only ring they get. */
function wake(key: number): void {
  try {
    watchers.get(key)?.()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

whenDirty(() => {
  for (let count = native.dirty(keys); count > 0; count = native.dirty(keys)) {
    // A copy, because whoever is woken may come back here.
    if (count === 1) wake(keys[0] as number)
    else for (const key of keys.slice(0, count)) wake(key)
    if (count < keys.length) break
  }
})
