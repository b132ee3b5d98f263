// Time as tests see it: how long something took, and a thread that is busy.

import assert from 'node:assert/strict'

/** Above what is due: a loaded machine is late, but never so late. */
const LATE = 5_000

/** Starts a clock; the function it gives answers the ms since. */
export function watch() {
  const start = performance.now()
  return () => performance.now() - start
}

/** Blocks the thread: timers of other threads fire meanwhile, nothing runs here. */
export function busy(ms) {
  const passed = watch()
  while (passed() < ms);
}

/** What was due after `ms` came then: never early, and not absurdly late. */
export function assertDue(passed, ms, what) {
  assert.ok(passed >= ms, `${what}: due after ${ms} ms, came after ${passed}`)
  assert.ok(passed < ms + LATE, `${what}: due after ${ms} ms, came after ${passed}`)
}
