// `ctx.run`: a side effect by name, tried as often as its `retry` says. Where nothing is durable, that is all there is to it.

import { callable, duration, integer, onlyKnown, text } from './check.js'

/** Options of `ctx.run`. */
export interface EffectOptions {
  /** Tries again after an error. Left out: one try. */
  retry?: {
    /** Tries in all, from 1. */
    attempts: number
    /** ms before the second try; doubled before each further one. Default 100. */
    backoff?: number
    /** Whether an error is worth another try; `attempt` counts from 1. Default: every one is. */
    retryOn?: (error: unknown, attempt: number) => boolean | PromiseLike<boolean>
  }
}

/** Runs `fn` until it succeeds, or may not be tried again; rejects with the error of the last try. `signal` ends the wait between two tries. Throws `VELO_CONFIG`. */
export async function attempt<Value>(
  name: string,
  fn: () => Value | PromiseLike<Value>,
  options: EffectOptions | undefined,
  signal: () => AbortSignal,
): Promise<Value> {
  text(name, 'ctx.run(name)')
  callable(fn, 'ctx.run(name, fn)')
  if (options !== undefined) onlyKnown(options, 'ctx.run(name, fn, options)', ['retry'])
  const retry = options?.retry
  if (retry === undefined) return fn()
  const field = 'ctx.run(name, fn, options).retry'
  onlyKnown(retry, field, ['attempts', 'backoff', 'retryOn'])
  integer(retry.attempts, `${field}.attempts`, 1, Number.NaN)
  const backoff = duration(retry.backoff, `${field}.backoff`, 0, 100)
  if (retry.retryOn !== undefined) callable(retry.retryOn, `${field}.retryOn`)
  return again(fn, { ...retry, backoff }, signal)
}

async function again<Value>(
  fn: () => Value | PromiseLike<Value>,
  {
    attempts,
    backoff,
    retryOn,
  }: Required<Pick<NonNullable<EffectOptions['retry']>, 'attempts' | 'backoff'>> & NonNullable<EffectOptions['retry']>,
  signal: () => AbortSignal,
): Promise<Value> {
  for (let made = 1; ; made++) {
    try {
      return await fn()
    } catch (error) {
      if (made >= attempts || signal().aborted) throw error
      if (retryOn !== undefined && (await retryOn(error, made)) !== true) throw error
      await pause(backoff * 2 ** (made - 1), signal())
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
