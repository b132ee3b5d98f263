// Rule 18: a wait that only a timer of ours can settle keeps the process alive, so does work of a thread of ours, and nothing else does. Both are
// counted; while there are any, the doorbell holds the event loop. A counter, because a wait may last a microtask and there may be millions.

import { native } from './native.js'

/** How often a held loop looks whether its timers can still settle anything, ms. */
const REVIEW_MS = 250

let waits = 0
let works = 0
let held = false
let releasing = false
let review: NodeJS.Timeout | undefined
let anythingToSettle = (): boolean => true

/** How to find out whether a timer can still settle one of the waits. */
export function reviewWith(check: () => boolean): void {
  anythingToSettle = check
}

/** A wait begins that a timer of ours may settle. */
export function waitBegins(): void {
  waits++
  if (!held) hold()
}

/** `count` such waits are over. */
export function waitEnds(count = 1): void {
  waits -= count
  settle()
}

/** Work of a thread of ours begins that ends by itself. */
export function workBegins(): void {
  works++
  hold()
}

/** `count` such works have ended. */
export function workEnds(count: number): void {
  works -= count
  settle()
}

function settle(): void {
  if (waits > 0 || works > 0 || !held || releasing) return
  // Not at once: the next wait often begins in the same turn.
  releasing = true
  setImmediate(() => {
    releasing = false
    if (waits === 0 && works === 0) release()
  })
}

/** The loop would end, or a review is due: holds it if a timer can settle something, lets it go if none can. Says whether it is held. */
export function reconsider(): boolean {
  if (works > 0 || anythingToSettle()) hold()
  else release()
  return held
}

function hold(): void {
  if (held) return
  held = true
  native.hold(1)
  // A function stuck in an await of its own waits for no timer of ours: then the process may end.
  review ??= setInterval(reconsider, REVIEW_MS).unref()
}

function release(): void {
  if (!held) return
  held = false
  native.hold(0)
  clearInterval(review)
  review = undefined
}
