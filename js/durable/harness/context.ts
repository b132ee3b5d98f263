// The second argument of a function of a durable stream: what every function is told, and what a replay needs.

import { attempt, type EffectOptions, effectOf } from '../../kit/effects/attempts.js'
import { ORDERED, type Ordered } from '../../kit/effects/ordered.js'
import { TIMING, type Timing } from '../../kit/effects/timing.js'
import type { StreamContext, StreamHeaders } from '../../kit/types.js'
import type { Hosted } from './hosted.js'
import { fullName, type Outcome } from './outcomes.js'

export class DurableContext implements StreamContext, Timing, Ordered {
  readonly [ORDERED] = true
  readonly #plain: StreamContext
  readonly #hosted: Hosted
  /** Number of its stage. */
  readonly #stage: number

  constructor(plain: StreamContext, hosted: Hosted, stage: number) {
    this.#plain = plain
    this.#hosted = hosted
    this.#stage = stage
  }

  get id(): string {
    return this.#plain.id
  }

  get name(): string {
    return this.#plain.name
  }

  get signal(): AbortSignal {
    return this.#plain.signal
  }

  get aborted(): boolean {
    return this.#plain.aborted
  }

  get headers(): StreamHeaders {
    return this.#plain.headers
  }

  get context(): unknown {
    return this.#plain.context
  }

  get state(): unknown {
    return this.#hosted.state
  }

  set state(value: unknown) {
    this.#hosted.state = value
  }

  get replaying(): boolean {
    return this.#hosted.isReplaying
  }

  now(): number {
    return this.#hosted.at
  }

  random(): number {
    return this.#hosted.random.next()
  }

  async run<Value>(name: string, fn: () => Value | PromiseLike<Value>, options?: EffectOptions): Promise<Value> {
    const hosted = this.#hosted
    // Before it counts: what is no effect leaves nothing behind.
    const retry = effectOf(name, fn, options)
    const full = fullName(this.#stage, name)
    const { asked, turn } = hosted.begin(full)
    const kept = hosted.outcomes.take(full, turn)
    if (kept !== undefined) return settled(kept) as Value
    const outcome = await outcomeOf(attempt(fn, retry, () => this.signal))
    const { bytes, value } = hosted.outcomes.write(full, turn, outcome)
    await hosted.link.keep(asked, bytes)
    return settled('error' in outcome ? outcome : { value }) as Value
  }

  [TIMING](change: 1 | -1): void {
    ;(this.#plain as Timing)[TIMING]?.(change)
  }
}

function settled(outcome: Outcome): unknown {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

function outcomeOf(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
}
