// The steps, calls of `ctx.run`, of the function of one stage: which outcome belongs to which call, what is executed and stored, and what is refused.

import { type EffectOptions, executed, type StepOptions, type StepOwner, stepOf } from '../../kit/effects/attempts.js'
import { VeloError } from '../../kit/errors.js'
import { silence } from '../../kit/promises.js'
import type { StreamContext } from '../../kit/types.js'
import { type Delivery, DeliveryQueue, Kind } from './delivery-queue.js'
import type { Hosted } from './hosted.js'
import type { RecordedPosition } from './outcome-record.js'
import { fullName, type Outcome, type StepId, type StoredOutcome } from './outcomes.js'

/** Settles the promise of a call; `isOurs`: with an error of the library. */
type Settle = (outcome: Outcome, isOurs: boolean) => void

/** Steps of one name without `key` that are being executed. */
interface Executing {
  count: number
  /** Those that were called outside of a turn: a replay may call them in another order. */
  unordered: number
}

export class StageSteps implements StepOwner {
  readonly queue: DeliveryQueue<StoredOutcome>
  private readonly hosted: Hosted
  private readonly stage: number
  private readonly plain: StreamContext
  private readonly executing = new Map<string, Executing>()
  /** Number of the next outcome. */
  private order: number
  private hasEnded = false

  /** `isLoose`: the function cannot call `ctx.run`. */
  constructor(hosted: Hosted, stage: number, plain: StreamContext, isLoose: boolean) {
    this.hosted = hosted
    this.stage = stage
    this.plain = plain
    const stored = hosted.outcomes.of(stage)
    this.order = (stored.at(-1)?.record.order ?? -1) + 1
    this.queue = new DeliveryQueue({
      stored,
      isLoose,
      patience: hosted.patience,
      signal: () => plain.signal,
      isLenient: () => hosted.isLenient,
      onMissing: (missing) => hosted.missing(missing),
      onSkipped: (skipped) => hosted.outcomes.passed(skipped),
    })
  }

  get signal(): AbortSignal {
    return this.plain.signal
  }

  get aborted(): boolean {
    return this.plain.aborted
  }

  /** The function has ended. Its steps do not settle any more, so that code that nobody awaits neither goes on nor fails. */
  end(): void {
    this.hasEnded = true
    this.queue.end()
  }

  run(name: string, fn: () => unknown, options: EffectOptions | undefined): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => {
      const step = stepOf(this, name, fn, options)
      if (this.hasEnded) return
      this.begin(name, fn, step, (outcome, isOurs) => {
        this.queue.inFlight--
        if (this.hasEnded) return
        if (!('error' in outcome)) return resolve(outcome.value)
        // Rule 16: what the journal refuses, and what fails because the stream is over, needs no handler.
        if (isOurs || this.aborted) silence(promise)
        reject(outcome.error)
      })
    })
    return promise
  }

  private begin(name: string, fn: () => unknown, { key, retry }: StepOptions, settle: Settle): void {
    const { hosted } = this
    const id = hosted.nextStep(fullName(this.stage, name), key)
    const stored = hosted.outcomes.take(id)
    // A call that is refused changes nothing.
    const left = stored === undefined && key === undefined ? this.enter(name) : undefined
    const asked = hosted.begin(id)
    this.queue.inFlight++
    if (stored !== undefined) {
      stored.request((outcome) => {
        hosted.outcomes.passed(stored)
        settle(outcome, false)
      })
      return this.queue.request(stored)
    }
    const record = (outcome: Outcome): void => {
      left?.()
      this.record(id, asked, outcome, settle)
    }
    executed(this, name, fn, retry).then(
      (value) => record({ value }),
      (error) => record({ error }),
    )
  }

  /** Stores an outcome, and delivers it when it is stored and everything before it was delivered. */
  private record(id: StepId, asked: number, result: Outcome, settle: Settle): void {
    const { hosted, queue } = this
    const position: RecordedPosition = { ...queue.position(), order: this.order++, base: queue.isLoose ? -1 : hosted.base }
    const delivery = new NewOutcome(settle)
    queue.add(delivery)
    const ready = (outcome: Outcome, isOurs: boolean): void => {
      delivery.ready(outcome, isOurs)
      queue.advance()
    }
    try {
      const { bytes, outcome } = hosted.outcomes.write(id, position, result)
      hosted.link.keep(asked, bytes).then(
        () => ready(outcome, false),
        (error) => ready({ error }, true),
      )
    } catch (error) {
      ready({ error }, false)
    }
  }

  /** Counts a step without a key as in flight. Throws `VELO_CHECKPOINT` if another one of its name is, and the order of the two is not fixed. */
  private enter(name: string): () => void {
    const executing = this.executing.get(name) ?? { count: 0, unordered: 0 }
    const unordered = this.queue.isTurn ? 0 : 1
    if (executing.count > 0 && executing.unordered + unordered > 0) {
      const message =
        `ctx.run('${name}'): another step of this name is in flight, and a replay may call the two in another order, because one of them follows from ` +
        `a timer, a request or other work outside of ctx.run. Identify each by a key: ctx.run('${name}', fn, { key })`
      throw new VeloError('VELO_CHECKPOINT', message, { streamId: this.plain.id, field: `ctx.run('${name}')` })
    }
    this.executing.set(name, executing)
    executing.count++
    executing.unordered += unordered
    return () => {
      executing.unordered -= unordered
      if (--executing.count === 0) this.executing.delete(name)
    }
  }
}

/** An outcome on its way into the journal. */
class NewOutcome implements Delivery {
  readonly kind = Kind.Outcome
  isReady = false
  private outcome: Outcome = { value: undefined }
  private isOurs = false
  private readonly settle: Settle

  constructor(settle: Settle) {
    this.settle = settle
  }

  ready(outcome: Outcome, isOurs: boolean): void {
    this.outcome = outcome
    this.isOurs = isOurs
    this.isReady = true
  }

  deliver(): void {
    this.settle(this.outcome, this.isOurs)
  }
}
