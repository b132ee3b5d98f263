// How often something that failed is tried, and after which delay. Owns the options and their checks, not the waiting.

import { callable, configError, duration, integer, onlyKnown } from '../check.js'

/** What is tried again after an error, and when. */
export interface RetryOptions {
  /** How many tries at most, the first one included. Integer from 1. Default 1. */
  attempts?: number | undefined
  /** ms before the second try; it doubles with each further one. Default 100. */
  backoff?: number | undefined
  /** The longest such delay, ms. Default 30000. */
  maxBackoff?: number | undefined
  /** The part of each delay that is left to chance, 0 to 1: with 1 the delay is anything from 0 to its whole. `true` is 1. Default 0. */
  jitter?: number | boolean | undefined
  /** Whether an error is worth another try; `attempt` counts from 1. A promise is awaited. Default: every one is. */
  retryOn?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
}

export interface Retry {
  readonly attempts: number
  readonly delay: (attempt: number) => number
  readonly retryOn: RetryOptions['retryOn']
}

/** Checks the options; without any there is one try. Throws `VELO_CONFIG`; `field` is the path to them. */
export function retryOf(options: RetryOptions | undefined, field: string): Retry {
  if (options === undefined) return { attempts: 1, delay: () => 0, retryOn: undefined }
  onlyKnown(options, field, ['attempts', 'backoff', 'maxBackoff', 'jitter', 'retryOn'])
  const { retryOn } = options
  const backoff = duration(options.backoff, `${field}.backoff`, 0, 100)
  const longest = duration(options.maxBackoff, `${field}.maxBackoff`, 0, 30_000)
  const jitter = chance(options.jitter, `${field}.jitter`)
  if (retryOn !== undefined) callable(retryOn, `${field}.retryOn`)
  return {
    attempts: integer(options.attempts, `${field}.attempts`, 1, 1),
    delay: (attempt) => Math.min(backoff * 2 ** (attempt - 1), longest) * (1 - jitter * Math.random()),
    retryOn,
  }
}

function chance(value: number | boolean | undefined, field: string): number {
  if (value === undefined || typeof value === 'boolean') return value === true ? 1 : 0
  if (!(value >= 0 && value <= 1)) throw configError(field, 'a number from 0 to 1, or a boolean', value)
  return value
}
