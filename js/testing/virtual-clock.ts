// A clock that stands still until a test moves it.

/** What `virtualClock()` gives: an option `clock` of operators, with a hand to move it. */
export interface VirtualClock {
  /** ms since it was made. */
  now(): number
  /** Calls `callback` once when the clock has come to `now() + ms`; answers a handle for `clearTimeout`. */
  setTimeout(callback: () => void, ms: number): unknown
  /** Forgets a timer that has not fired. */
  clearTimeout(handle: unknown): void
  /**
   * Moves the clock by `ms`, from 0. Timers that come due fire in order, each at its own time, those for the same time as they were set; before the first, between them and after the last,
   * what waits for promises gets its turn. One advance begins when the one before it has ended. Resolves with the new time. Throws a RangeError for any other `ms`.
   */
  advance(ms: number): Promise<number>
  /** How many timers wait. */
  readonly pending: number
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Makes a clock that starts at 0 and moves only by `advance()`. */
export function virtualClock(): VirtualClock {
  /** In the order in which they were set. */
  const timers = new Set<Timer>()
  let time = 0
  /** The last advance: the next one begins where that ends. */
  let moving: Promise<unknown> | undefined

  const nextUntil = (limit: number): Timer | undefined => {
    let next: Timer | undefined
    for (const timer of timers) if (timer.at <= limit && (next === undefined || timer.at < next.at)) next = timer
    return next
  }

  return {
    now: () => time,
    setTimeout(callback, ms) {
      const timer = { at: time + Math.max(0, ms), callback }
      timers.add(timer)
      return timer
    },
    clearTimeout(handle) {
      timers.delete(handle as Timer)
    },
    async advance(ms) {
      if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`advance(ms): expected ms from 0 up, got ${String(ms)}`)
      const before = moving
      const move = async (): Promise<number> => {
        await before
        const limit = time + ms
        await turn()
        for (let timer = nextUntil(limit); timer !== undefined; timer = nextUntil(limit)) {
          time = timer.at
          timers.delete(timer)
          timer.callback()
          await turn()
        }
        time = limit
        return time
      }
      const moved = move()
      moving = moved.catch(() => undefined)
      return moved
    },
    get pending() {
      return timers.size
    },
  }
}

/** A turn of the event loop: every promise that can settle has settled then. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
