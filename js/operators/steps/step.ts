// js/operators/steps: operators that are one synchronous function of an event, and the chain in which neighbors share one iterator. Knows nothing of retries,
// timers or several streams.
//
// The synchronous half of an operator: a function from a value to the next one. Operators whose options are the usual ones are steps, and steps
// that follow each other share one iterator (chain.ts), without a promise between them.

import { isThenable } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'
import type { Counts } from '../engine/counts.js'

/** Answer of a step: nothing goes on. */
export const SKIP = Symbol('skip')
/** Answer of a step: a promise of a value or of `SKIP` was left with the host. */
export const LATER = Symbol('later')
/** Answer of a step: an iterable of values was left with the host. */
export const MANY = Symbol('many')

/** What a step needs of the chain it is part of. */
export interface StepHost {
  /** Of the calls of its steps. */
  readonly signal: AbortSignal
  /** Nothing goes on any more. */
  readonly over: boolean
  /** The promise of a step that answers `LATER`. */
  wait(promise: Promise<unknown>): void
  /** The values of a step that answers `MANY`: an iterable or async iterable. */
  expand(values: object, care?: Care): void
  /** The value that a step is about to answer is the last one it takes. */
  last(): void
  /** Called once, however the chain ends. The end waits for a promise that it returns. */
  atEnd(callback: () => unknown): void
}

/** Who minds an iterable that was left with the host. */
export interface Care {
  /** It threw: answers `SKIP`, or values or a promise of values in place of its rest, or throws. */
  threw(error: unknown): unknown
  /** The stream ended before it did. */
  left?(reason: unknown): void
}

/** An object, not a closure: what the engine has compiled for closures of one stream it throws away with that stream. */
export interface Step {
  /** Gives the value that goes on, or one of the answers above. */
  take(value: unknown): unknown
}

/** Makes the step of one stream. */
export type StepMaker = (host: StepHost) => Step

/** A call whose signal is that of the whole chain. */
export class StepCall implements Call {
  readonly index: number
  readonly attempt: number
  /** Not #host: private fields make construction slow, and one of these is made for each event. */
  private readonly host: StepHost

  constructor(index: number, host: StepHost, attempt = 1) {
    this.index = index
    this.attempt = attempt
    this.host = host
  }

  get signal(): AbortSignal {
    return this.host.signal
  }
}

/** How the result of a function becomes the answer of its operator, beside the event. */
export type Reading = (result: unknown, event: unknown, call: Call) => unknown

export const asIs: Reading = (result) => result
export const verdict: Reading = (result, event) => (result ? event : SKIP)
export const passOn: Reading = (_, event) => event

/** A step that calls `fn` for each event. */
export function callStep(fn: (event: never, call: Call) => unknown, reading: Reading, counts: Counts): StepMaker {
  return (host) => new CallStep(fn as CallStep['fn'], reading, counts, host)
}

class CallStep implements Step {
  private readonly fn: (event: unknown, call: Call) => unknown
  private readonly reading: Reading
  private readonly counts: Counts
  private readonly host: StepHost
  private index = 0

  constructor(fn: CallStep['fn'], reading: Reading, counts: Counts, host: StepHost) {
    this.fn = fn
    this.reading = reading
    this.counts = counts
    this.host = host
  }

  take(event: unknown): unknown {
    const { fn, reading, counts, host } = this
    const call = new StepCall(this.index++, host)
    try {
      const result = fn(event, call)
      if (isThenable(result)) return this.later(result, event, call)
      return counted(counts, reading(result, event, call))
    } catch (error) {
      counts.failed++
      throw error
    }
  }

  /** A function of its own, because closures make every call of the one above slower. */
  private later(result: PromiseLike<unknown>, event: unknown, call: Call): typeof LATER {
    const { reading, counts, host } = this
    counts.underWay++
    const settle = async () => {
      try {
        const value = await result
        return host.over ? SKIP : counted(counts, reading(value, event, call))
      } catch (error) {
        if (!host.over) counts.failed++
        throw error
      } finally {
        counts.underWay--
      }
    }
    // What becomes of it after the end counts as nothing.
    host.wait(settle())
    return LATER
  }
}

function counted(counts: Counts, answer: unknown): unknown {
  if (answer === SKIP) counts.skipped++
  else counts.done++
  return answer
}
