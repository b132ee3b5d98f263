// Verdicts of Rust on their way to the streams of this isolate. The doorbell only says that there are some; they are taken in a microtask
// of their own, so that no user code ever runs inside the doorbell's callback (async context is lost there on Node 24).

import { offsetOf, pageOf, tenants } from './control-block.js'
import { Effect, Verdict, Word } from './law.js'
import { native } from './native.js'
import { warnTrouble } from './trouble.js'
import { reconsider, reviewWith, waitBegins, waitEnds } from './wakefulness.js'

const WORDS = 4
const batch = new Float64Array(256 * WORDS)
const timers = new Map<number, () => void>()
let onDrained: (() => void) | undefined

/** Calls `fire` once after `ms` (at least 1); answers the id for `cancelTimer`. Keeps the process alive while pending. */
export function setTimer(ms: number, fire: () => void): number {
  watchExit()
  const id = native.timer(ms)
  timers.set(id, fire)
  waitBegins()
  return id
}

export function cancelTimer(id: number): void {
  if (!timers.delete(id)) return
  native.cancel(id)
  waitEnds()
}

/** Calls `done` once when the runtime says that it is drained. At most one waits. */
export function whenDrained(done: () => void): void {
  watchExit()
  waitBegins()
  onDrained = done
}

const looks: (() => void)[] = []

/** What is done when the doorbell rings, after the verdicts: ends of ducts need a look, or answers of a journal have come. */
export function whenDirty(look: () => void): void {
  looks.push(look)
}

export function drainMailbox(): void {
  for (let count = native.take(batch); count > 0; count = native.take(batch)) {
    // A copy, because what a verdict sets off may open and close streams and come back here.
    const verdicts = batch.slice(0, count * WORDS)
    for (let i = 0; i < verdicts.length; i += WORDS) {
      try {
        deliver(verdicts, i)
      } catch (error) {
        report(error) // the others have nothing to do with it
      }
    }
    if (count * WORDS < batch.length) break
  }
}

/** Moves the machine of a stream; answers state, reason and effects, packed. */
export function step(slot: number, input: number): number {
  const packed = native.step(slot, input)
  if ((packed >> 8) & Effect.Mail) queueMicrotask(drainMailbox)
  return packed
}

function deliver(verdicts: Float64Array, at: number): void {
  const kind = verdicts[at] as number
  const slot = verdicts[at + 1] as number
  if (kind === Verdict.Timer) {
    const fire = timers.get(slot)
    if (timers.delete(slot)) waitEnds()
    fire?.()
  } else if (kind === Verdict.DrainAbort) {
    for (const tenant of [...tenants]) tenant?.giveUp()
  } else if (kind === Verdict.Drained) {
    const done = onDrained
    onDrained = undefined
    if (done !== undefined) waitEnds()
    done?.()
  } else if (kind === Verdict.Trouble) {
    warnTrouble(slot)
  } else {
    const current = pageOf(slot)[offsetOf(slot) + Word.Generation]
    // The row may serve another stream by now.
    if (current === verdicts[at + 2]) tenants[slot]?.verdict(kind, verdicts[at + 3] as number)
  }
}

let watching = false

/** Before the process ends for want of work, looks once more whether a timer of ours still has something to settle. */
export function watchExit(): void {
  if (watching) return
  watching = true
  reviewWith(() => timers.size > 0 || onDrained !== undefined || tenants.some((tenant) => tenant?.holdsProcess()))
  process.on('beforeExit', () => {
    if (!reconsider()) for (const tenant of [...tenants]) tenant?.processEnds()
  })
}

/** An error of ours that has nobody to go to. */
function report(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

function attend(): void {
  for (const look of [drainMailbox, ...looks]) {
    try {
      look()
    } catch (error) {
      report(error)
    }
  }
}

// A settled promise, because `queueMicrotask` of Node makes a resource of every call, which costs more than all that is done here.
const settled = Promise.resolve()

native.onBell = () => void settled.then(attend)
/** How many isolates of this process were there before: a number that no other one gets. */
export const isolate = native.start(native.onBell)
