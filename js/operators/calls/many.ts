// The values that flatMap makes out of one event, on their way from the call that gave them to the step that hands them on.

import { inspect } from 'node:util'
import { isThenable, silenceIfPromise } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'
import type { Counts } from '../engine/counts.js'
import { MANY, SKIP, StepCall, type StepMaker } from '../steps/step.js'
import { Attempt } from './attempt.js'
import type { Policy } from './policy.js'

export class Many {
  readonly values: object
  readonly event: unknown
  readonly call: Call

  constructor(values: unknown, event: unknown, call: Call) {
    this.values = iterable(values)
    this.event = event
    this.call = call
  }
}

/** A promise among them may reject before its turn comes. By index, which is faster than an iterator. */
function silenceAll(values: unknown): void {
  if (Array.isArray(values)) {
    for (let index = 0; index < values.length; index++) if (typeof values[index] === 'object') silenceIfPromise(values[index])
  } else if (values instanceof Set) for (const value of values) silenceIfPromise(value)
}

/** As the iterator helpers of JavaScript do, strings are refused: one letter at a time is hardly ever meant. */
function iterable(values: unknown): object {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(values ?? {}) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >
  if (typeof values !== 'string' && (typeof later === 'function' || typeof now === 'function')) {
    silenceAll(values)
    return values as object
  }
  throw new TypeError(
    `flatMap(fn): expected an iterable or an async iterable from fn, got ${inspect(values, { depth: 0 })} (${typeof values})`,
  )
}

/** Hands the values on. One that throws on the way is a failed call whose first results have gone already: it is not made again, but `onError` decides. */
export function flatten(counts: Counts, { onError }: Policy): StepMaker {
  return (host) => ({
    take(given) {
      const { values, event, call } = given as Many
      const threw = (error: unknown): unknown => {
        // It was counted when the call succeeded.
        counts.done--
        if (onError === 'skip') {
          counts.skipped++
          return SKIP
        }
        if (onError === 'fail') {
          counts.failed++
          throw error
        }
        return instead(() => onError(error, event, new StepCall(call.index, host, call.attempt)), counts)
      }
      host.expand(values, { threw, left: (reason) => call instanceof Attempt && call.cancel(reason) })
      return MANY
    },
  })
}

/** What the handler gives in place of the rest. */
function instead(handle: () => unknown, counts: Counts): unknown {
  const failed = (error: unknown): never => {
    counts.failed++
    throw error
  }
  const given = (values: unknown): object => {
    const found = iterable(values)
    counts.done++
    return found
  }
  let values: unknown
  try {
    values = handle()
    if (!isThenable(values)) return given(values)
  } catch (error) {
    return failed(error)
  }
  return Promise.resolve(values).then(given).catch(failed)
}
