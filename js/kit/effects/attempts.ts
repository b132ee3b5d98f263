// js/kit/effects: what a function may ask of the outside world again, later or in order: tries, delays, timers, order. Knows nothing of a journal.
//
// `ctx.run`: a side effect by name, tried as often as its `retry` says. Where nothing is durable, that is all there is to it.

import { callable, onlyKnown, text } from '../check.js'
import { silence } from '../promises.js'
import { refuseNesting, runStep } from './nesting.js'
import { type Retry, type RetryOptions, retryOf } from './retry.js'

/** Options of `ctx.run`. */
export interface EffectOptions {
  /** Tries again after an error. Left out: one try. */
  retry?: RetryOptions | undefined
  /**
   * Identifies the step together with its name, instead of the order of the calls: for steps of one name whose order is not the same each time, because they follow from timers or from requests outside
   * of `ctx.run`.
   */
  key?: string | undefined
}

/** The options of a step, checked. */
export interface StepOptions {
  readonly retry: Retry
  readonly key: string | undefined
}

/** The stream that a step belongs to. */
export interface StepOwner {
  readonly signal: AbortSignal
  /** The stream is closed, aborted or has failed. */
  readonly aborted: boolean
}

/** Checks a call of `ctx.run`. Throws `VELO_CONFIG`. */
export function stepOf(owner: object, name: string, fn: unknown, options: EffectOptions | undefined): StepOptions {
  text(name, 'ctx.run(name)')
  callable(fn, 'ctx.run(name, fn)')
  if (options !== undefined) onlyKnown(options, 'ctx.run(name, fn, options)', ['retry', 'key'])
  if (options?.key !== undefined) text(options.key, 'ctx.run(name, fn, options).key')
  const retry = retryOf(options?.retry, 'ctx.run(name, fn, options).retry')
  refuseNesting(owner, name)
  return { retry, key: options?.key }
}

/** Executes a step where nothing is durable. A rejection after the stream is over needs no handler (rule 16). */
export function runPlain<Value>(
  owner: StepOwner,
  name: string,
  fn: () => Value | PromiseLike<Value>,
  options: EffectOptions | undefined,
): Promise<Value> {
  const promise = new Promise<Value>((resolve, reject) => {
    const { retry } = stepOf(owner, name, fn, options)
    executed(owner, name, fn, retry).then(resolve, (error) => {
      if (owner.aborted) silence(promise)
      reject(error)
    })
  })
  return promise
}

/** Executes a step, as often as `retry` says. */
export function executed<Value>(owner: StepOwner, name: string, fn: () => Value | PromiseLike<Value>, retry: Retry): Promise<Value> {
  return runStep(owner, name, () => attempt(fn, retry, () => owner.signal))
}

/** Runs `fn` until it succeeds, or may not be tried again; rejects with the error of the last try. `signal` ends the wait between two tries. */
async function attempt<Value>(
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
