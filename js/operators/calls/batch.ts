// batch: one call for many events.

import { callable } from '../../kit/check.js'
import { isThenable } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'
import { type Operator, operator } from '../steps/operator.js'
import { MANY, type StepMaker } from '../steps/step.js'
import { CHUNK_NAMES, type ChunkOptions, Chunks, sizesOf } from '../time/chunks.js'
import { Attempt, limitOf } from './attempt.js'
import { Calls } from './calls.js'
import { type CallOptions, type Policy, policyOf } from './policy.js'
import { Rescued } from './task.js'

/** Options of `batch`. */
export interface BatchOptions<In, Out> extends ChunkOptions, Omit<CallOptions<In, Out>, 'onError'> {
  /**
   * What about events whose last call failed. `'fail'`: the stream fails with that very error. `'skipBatch'`: all events of that call are left out. `'skipItem'`: `fn` is called with
   * each of them alone, once, and those that fail again are left out. A function: what it returns stands for what the call would have returned. Default `'fail'`.
   */
  onError?:
    | 'fail'
    | 'skipItem'
    | 'skipBatch'
    | ((error: unknown, events: In[], call: Call) => Returned<Out> | PromiseLike<Returned<Out>>)
    | undefined
}

type Returned<Out> = readonly (Out | PromiseLike<Out>)[] | Out
type Fn = (events: unknown, call: Call) => unknown

/** The values of an array are results of their own; any other value is one result, `undefined` too. */
const results = (returned: unknown): unknown => (Array.isArray(returned) ? returned : [returned])

/** What a call returned, with the promises in the array settled: one that rejects fails the call. */
function settled(returned: unknown): unknown {
  if (Array.isArray(returned)) return returned.some(isThenable) ? Promise.all(returned) : returned
  return isThenable(returned) ? Promise.resolve(returned).then(settled) : returned
}

const spread: StepMaker = (host) => ({
  take(values) {
    host.expand(values as object)
    return MANY
  },
})

/**
 * Calls `fn` with arrays of events, gathered as `chunk` does. A returned array is flattened into
 * results, any other value is one result. Promises in the array belong to the call: it succeeds when
 * all of them have resolved, and fails if one rejects. Calls run beside each other up to `concurrency`;
 * `retry` and `timeout` count for each call. The counts are those of events, not of calls.
 *
 * @example
 * const saved = batch((orders: Order[]) => db.insert(orders), { maxSize: 500, maxWait: 50, retry: { attempts: 3 } })
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function, or an option is unknown or out of range.
 */
export function batch<In, Out>(
  fn: (events: In[], call: Call) => readonly (Out | PromiseLike<Out>)[] | PromiseLike<readonly (Out | PromiseLike<Out>)[]>,
  options?: BatchOptions<In, NoInfer<Out>>,
): Operator<In, Out>
export function batch<In, Out>(
  fn: (events: In[], call: Call) => Out | PromiseLike<Out>,
  options?: BatchOptions<In, NoInfer<Out>>,
): Operator<In, Out>
export function batch<In>(fn: (events: In[], call: Call) => unknown, options: object = {}): Operator<In, never> {
  callable(fn, 'batch(fn)')
  const field = 'batch(fn, options)'
  const given = policyOf(options as CallOptions<never, unknown>, field, ['skipItem', 'skipBatch'], CHUNK_NAMES)
  const sizes = sizesOf(options as ChunkOptions, field)
  const call: Fn = (events, own) => settled(fn(events as In[], own))
  const policy = { ...given, onError: onErrorOf(call, given) }
  return operator('batch', (counts) => {
    const weight = (events: unknown) => (events as unknown[]).length
    const work = { name: 'batch', fn: call, reading: results, policy, limit: limitOf('batch', policy), counts, weight }
    return { make: (events, ctx) => new Calls(work, new Chunks(sizes, undefined, events, ctx), ctx), steps: [spread] }
  })
}

function onErrorOf(fn: Fn, policy: Policy): Policy['onError'] {
  const { onError } = policy
  if ((onError as string) === 'skipBatch') return 'skip'
  if ((onError as string) === 'skipItem') return (_, events, call) => oneByOne(fn, events as unknown[], call, policy)
  return typeof onError === 'function' ? (...args) => settled(onError(...args)) : onError
}

/** Calls `fn` with each event alone. */
async function oneByOne(fn: Fn, events: unknown[], call: Call, policy: Policy): Promise<Rescued> {
  const rescued = new Rescued()
  // It was alone already.
  if (events.length === 1) rescued.lost = 1
  else {
    for (const event of events) {
      const got = await alone(fn, event, call, policy).catch(() => undefined)
      if (call.signal.aborted) break
      if (got === undefined) rescued.lost++
      else for (const value of got.values) rescued.results.push(value)
    }
  }
  return rescued
}

function alone(fn: Fn, event: unknown, call: Call, policy: Policy): Promise<{ values: unknown[] }> {
  return new Promise((resolve, reject) => {
    const attempt = new Attempt(call.index, call.attempt + 1)
    const stop = () => {
      attempt.cancel(call.signal.reason)
      reject(call.signal.reason)
    }
    const settled = () => call.signal.removeEventListener('abort', stop)
    call.signal.addEventListener('abort', stop, { once: true })
    attempt.run((only, own) => fn([only], own), event, limitOf('batch', policy), {
      succeeded(returned) {
        settled()
        resolve({ values: results(returned) as unknown[] })
      },
      threw(error) {
        settled()
        reject(error)
      },
    })
  })
}
