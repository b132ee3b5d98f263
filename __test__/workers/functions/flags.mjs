// Numbers in shared memory by which a test and its function tell each other how far they are. They travel in the option `context`, and work
// while the thread of the function is blocked.

/** A row of numbers, all 0. */
export const flags = (count = 16) => new Int32Array(new SharedArrayBuffer(4 * count))

/** Adds to a flag, and tells whoever waits for it. */
export function raise(row, index, by = 1) {
  Atomics.add(row, index, by)
  Atomics.notify(row, index)
}

/** Resolves once a flag is `least` or more. Keeps nothing alive. */
export async function raised(row, index, least = 1) {
  for (;;) {
    const now = Atomics.load(row, index)
    if (now >= least) return now
    const wait = Atomics.waitAsync(row, index, now)
    if (wait.async) await wait.value
  }
}

/** Computes until a flag is up: the thread does nothing else meanwhile. */
export function compute(row, index) {
  while (Atomics.load(row, index) === 0);
}

/** What the flags of `obey` mean. */
export const Flag = {
  /** It has come to what it was told to do. */
  Begun: 0,
  /** It may go on. */
  Go: 1,
  /** Its `finally` has run to the end. */
  Left: 2,
  /** `ctx.signal` has fired. */
  Signaled: 3,
  /** `events` threw an AbortError. */
  Aborted: 4,
  /** `events` came to their end. */
  Ended: 5,
  /** What it caught was what it should be. */
  Right: 6,
  /** Instances that were started. */
  Started: 7,
  /** Events that it was given. */
  Given: 8,
  /** It is past a yield. */
  Passed: 9,
}
