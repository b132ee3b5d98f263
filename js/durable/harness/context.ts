// The second argument of a function of a durable stream: what every function is told, and what a replay needs.

import type { EffectOptions } from '../../kit/effects/attempts.js'
import { ORDERED, type Ordered } from '../../kit/effects/ordered.js'
import { TIMING, type Timing } from '../../kit/effects/timing.js'
import type { StreamContext, StreamHeaders } from '../../kit/types.js'
import type { Hosted } from './hosted.js'
import type { StageSteps } from './stage-steps.js'

export class DurableContext implements StreamContext, Timing, Ordered {
  readonly [ORDERED] = true
  readonly #plain: StreamContext
  readonly #hosted: Hosted
  readonly #steps: StageSteps

  constructor(plain: StreamContext, hosted: Hosted, steps: StageSteps) {
    this.#plain = plain
    this.#hosted = hosted
    this.#steps = steps
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
    return this.#hosted.replaying
  }

  now(): number {
    return this.#hosted.at
  }

  random(): number {
    return this.#hosted.random.next()
  }

  run<Value>(name: string, fn: () => Value | PromiseLike<Value>, options?: EffectOptions): Promise<Value> {
    return this.#steps.run(name, fn, options) as Promise<Value>
  }

  [TIMING](change: 1 | -1): void {
    ;(this.#plain as Timing)[TIMING]?.(change)
  }
}
