// What a stream function is made of, once it is checked: its stages, its options, and its number in Rust.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock } from '../kit/clock.js'
import type { Codec } from '../kit/types.js'
import { native } from './border/native.js'
import { Sampling } from './border/probe.js'
import type { Stage } from './stages/stage.js'
import { reportFunction } from './stages/stage-counts.js'

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string
  readonly buffer: number
  /** `undefined` = not set: 30000 for live input, none for pulled sources. */
  readonly idleTimeout: number | undefined
  readonly maxDuration: number
  readonly closeTimeout: number
  readonly maxConcurrent: number
  readonly queue: number
  readonly maxStall: number
  readonly placement: 'local' | 'worker'
  readonly export: string
  readonly codec: Codec
  readonly transfer: boolean
  readonly onWorkerExit: 'fail' | 'reopen' | 'resume'
  readonly context: (() => unknown) | undefined
  readonly schema: StandardSchemaV1 | undefined
  /** `undefined` = not set: 0 on this thread, `buffer` where a stage runs on another. */
  readonly ahead: number | undefined
  /** `undefined`: the timers of Rust. */
  readonly clock: Clock | undefined
  /** Where its streams are kept, and how their state is: of no concern to the engine. */
  readonly durable: object | undefined
  readonly state: object | undefined
}

const NO_TIMERS = { maxDuration: 0, maxStall: 0 }

/** Default of `idleTimeout` for live input, ms. */
export const LIVE_IDLE_TIMEOUT = 30_000

/** Whatever it is given. */
class Itself {
  constructor(it: object) {
    // biome-ignore lint/correctness/noConstructorReturn: what extends it puts its private fields on that object.
    return it
  }
}

/** The mark of a stream function: its definition, on the object that users hold. A WeakMap of functions that live for one request costs its collection more than they do. */
class Mark extends Itself {
  readonly #definition: Definition

  private constructor(streamFunction: object, definition: Definition) {
    super(streamFunction)
    this.#definition = definition
  }

  static set(streamFunction: object, definition: Definition): void {
    new Mark(streamFunction, definition)
  }

  static get(value: unknown): Definition | undefined {
    return typeof value === 'function' && #definition in value ? (value as unknown as Mark).#definition : undefined
  }
}

/** The definitions of stream functions, by the object that users hold. */
export const definitions: {
  set(streamFunction: object, definition: Definition): void
  get(value: unknown): Definition | undefined
} = Mark

// Functions made in a request handler must not pile up in Rust.
const forgotten = new FinalizationRegistry<number>((fn) => {
  reportFunction(fn)
  native.forget(fn)
})

export class Definition {
  /** As they run. */
  readonly stages: readonly Stage[]
  /** As they were given: what pipelines and variants are made of. */
  readonly given: readonly Stage[]
  readonly options: ResolvedOptions
  /** Functions at whose limits its streams count as well; none where one permit is all that they take. */
  readonly gates: readonly Definition[]
  /** ms without an event after which live input ends. */
  readonly liveIdle: number
  /** The same for pulled sources: only when it was set explicitly. */
  readonly pulledIdle: number
  /** Some stage runs on another thread. */
  readonly remote: boolean
  /** How many sends may wait for room in a stream of it. Rust says so together with `fn`, before there is a stream. */
  line = 0
  /** The credits with which its streams open on each side; likewise. */
  credits = 0
  isExemplar = false
  /** Which of its events are timed. */
  readonly sampling = new Sampling()
  #fn = -1

  constructor(stages: readonly Stage[], options: ResolvedOptions, gates: readonly Definition[] = [], given: readonly Stage[] = stages) {
    this.stages = stages
    this.given = given
    this.options = options
    this.gates = gates
    this.liveIdle = options.idleTimeout ?? LIVE_IDLE_TIMEOUT
    this.pulledIdle = options.idleTimeout ?? 0
    this.remote = stages.some((stage) => stage.placement !== undefined)
  }

  /** One of no user, whose streams Rust does not know: they hold no permit, keep no time, and must never end. */
  static exemplar(stages: readonly Stage[], options: ResolvedOptions): Definition {
    const def = new Definition(stages, options)
    def.isExemplar = true
    def.line = 2 * options.buffer
    def.credits = options.buffer
    return def
  }

  /** How far a call may be ahead of whoever reads its results, where the call itself says nothing else. */
  aheadOf(given: number | undefined): number {
    const { ahead, buffer } = this.options
    return this.remote ? Math.min(given ?? ahead ?? buffer, buffer) : (given ?? ahead ?? 0)
  }

  /** Its number in Rust, taken at first use. */
  get fn(): number {
    if (this.#fn < 0) {
      const { name, buffer, maxConcurrent, queue, clock } = this.options
      // A clock of the user's own keeps the time instead of Rust.
      const { maxDuration, maxStall } = clock === undefined ? this.options : NO_TIMERS
      const stages = this.gates.map((gate) => gate.fn)
      const { fn, line, credits } = native.define({
        name,
        buffer,
        maxConcurrent,
        queue,
        maxDuration,
        maxStall,
        stages,
        remote: this.remote,
        counted: this.stages.length > 1 ? this.stages.map(({ name, placement }) => ({ name, remote: placement !== undefined })) : [],
      })
      this.#fn = fn
      this.line = line
      this.credits = credits
      forgotten.register(this, this.#fn)
    }
    return this.#fn
  }
}
