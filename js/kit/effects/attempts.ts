// js/kit/effects: what a function may ask of the outside world again, later or in order: tries, delays, timers, order. Knows nothing of a journal.
//
// `ctx.run`: a side effect by name, tried as often as its `retry` says. Where nothing is durable, that is all there is to it.

import { callable, onlyKnown, text } from '../check.js'
import { type Retry, type RetryOptions, retryOf } from './retry.js'

/** Options of `ctx.run`. */
export interface EffectOptions {
  /** Tries again after an error. Left out: one try. */
  retry?: RetryOptions | undefined
}

/** Checks the arguments of `ctx.run`. Throws `VELO_CONFIG`. */
export function effectOf(name: string, fn: unknown, options: EffectOptions | undefined): Retry {
  text(name, 'ctx.run(name)')
  callable(fn, 'ctx.run(name, fn)')
  if (options !== undefined) onlyKnown(options, 'ctx.run(name, fn, options)', ['retry'])
  return retryOf(options?.retry, 'ctx.run(name, fn, options).retry')
}

/** Runs `fn` until it succeeds, or may not be tried again; rejects with the error of the last try. `signal` ends the wait between two tries. */
export async function attempt<Value>(
  fn: () => Value | PromiseLike<Value>,
  { attempts, delay, retryOn }: Retry,
  signal: () => AbortSignal,
): Promise<Value> {
  for (let made = 1; ; made++) {
    try {
      return await fn()
    } catch (error) {
      if (made >= attempts || signal().aborted) throw error
      if (retryOn !== undefined && !(await retryOn(error, made))) throw error
      await pause(delay(made), signal())
      if (signal().aborted) throw error
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over, { once: true })
    function over(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
  })
}
