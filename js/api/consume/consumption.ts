// One `consume` at work: rounds follow each other until the source ends or is not wanted any more. Where a function throws, what was not done is delivered again, one event
// at a time, each to an instance of its own, until the culprit is past.

import type { Definition } from '../../engine/definition.js'
import { VeloError } from '../../kit/errors.js'
import type { Consumed, Joined, Part, Sink } from './contract.js'
import { Intake, type IntakeOwner } from './intake.js'
import { Round, type RoundEnd, type RoundOwner } from './round.js'

/** Events given to an instance at a time. */
const BATCH = 256
/** ms before an event is delivered again, and how they grow. */
const PAUSE = 10
const LONGEST_PAUSE = 2000

/** Reason of a stop after which what was read is finished, though its source would give it again: another part has failed. */
export const FINISH = new Error('another part of the source has failed')

export interface Plan {
  readonly def: Definition
  readonly source: AsyncIterable<unknown> & Partial<Part<unknown>>
  readonly sink: Sink<unknown> | undefined
  readonly signal: AbortSignal | undefined
  /** A function that throws ends it. */
  readonly stops: boolean
  readonly maxUnacked: number
}

export class Consumption implements RoundOwner, IntakeOwner {
  readonly sink: Sink<unknown> | undefined
  readonly joined: Joined<unknown> | undefined
  readonly #plan: Plan
  readonly #intake: Intake
  #results = 0
  #deadLettered = 0
  /** Every event before it is done, and every one before that acknowledged. */
  #done = 0
  #acked = 0
  #acking: Promise<void> | undefined
  #ackFailure: { error: unknown } | undefined
  #round: Round | undefined
  #onStop: (() => void) | undefined
  #isStopped = false

  constructor(plan: Plan) {
    this.#plan = plan
    this.sink = plan.sink
    this.joined = plan.sink?.joined?.(plan.source)
    this.#intake = new Intake(plan.source, plan.maxUnacked, this)
  }

  async run(): Promise<Consumed> {
    const { signal } = this.#plan
    const stop = (): void => {
      this.#isStopped = true
      if (this.#isLeaving) this.#round?.stop()
      this.#intake.stop()
      this.#onStop?.()
    }
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop)
    const { lost } = this.#plan.source
    const drop = (): void => {
      stop()
      this.#round?.abort(lost?.reason)
    }
    if (lost?.aborted === true) stop()
    lost?.addEventListener('abort', drop)
    try {
      await this.joined?.begin?.()
      await this.#rounds()
      const failure = this.#ackFailure ?? this.#intake.failure
      if (failure !== undefined) throw failure.error
    } catch (error) {
      // What fails because somebody else has it by now is nobody's error.
      if (lost?.aborted !== true) throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      lost?.removeEventListener('abort', drop)
      this.#intake.stop()
      await this.sink?.end?.()
      await this.#plan.source.end?.(this.begun)
    }
    const deadLettered = this.#plan.source.deadLettered ?? this.#deadLettered
    return { received: this.#intake.received, acked: this.#acked, results: this.#results, deadLettered }
  }

  get begun(): number {
    return Math.max(this.#done, this.#round?.begun ?? 0)
  }

  whenBegun(upTo: number, reached: () => void): void {
    this.#round?.whenBegun(upTo, reached)
  }

  accepted(results: number): void {
    this.#results += results
  }

  done(upTo: number, acked: boolean): void {
    this.#done = Math.max(this.#done, upTo)
    if (acked || this.#plan.source.ack === undefined) this.#keep(this.#done)
    else if (this.#done > this.#acked) this.#acking ??= this.#ack()
  }

  async #rounds(): Promise<void> {
    const intake = this.#intake
    let next = 0
    // An instance is made when there is something for it.
    for (await intake.more(next); intake.received > next; await intake.more(next)) {
      const delivered = await this.#deliver(next)
      await this.#acking
      if (delivered === undefined) return
      const { end, sent } = delivered
      if (this.#ackFailure !== undefined) return
      if (end.failure === undefined) {
        // It returned early: that is its end.
        if (end.reason !== 'idle') return
        next = end.upTo
        continue
      }
      if (end.failure.fatal || this.#plan.stops || this.#plan.source.failed === undefined) throw end.failure.error
      next = await this.#oneByOne(sent, end.begun)
      await this.#acking
      if (next < 0 || this.#ackFailure !== undefined) return
    }
  }

  /** A round with all that comes, from number `next` on; none where nothing is wanted any more. */
  async #deliver(next: number): Promise<{ end: RoundEnd; sent: number } | undefined> {
    const intake = this.#intake
    const round = await this.#begin(next)
    if (round === undefined) return undefined
    while (!(round.isOver || this.#isLeaving)) {
      const events = intake.take(next, BATCH)
      if (events.length > 0) {
        next += events.length
        if (!(await round.send(events))) break
      } else if (intake.isOver) break
      else await intake.more(next)
    }
    round.end()
    return { end: await round.ended, sent: next }
  }

  /** It was stopped, and begins no event that its source gives again. What the source does not give again is finished. */
  get #isLeaving(): boolean {
    const { source, signal } = this.#plan
    return this.#isStopped && source.ack !== undefined && signal?.reason !== FINISH
  }

  /** An instance for events from number `base` on, as soon as there is a place for it; `undefined`: nothing is wanted any more. */
  async #begin(base: number): Promise<Round | undefined> {
    let round: Round | undefined
    for (let tries = 1; round === undefined; tries++) {
      try {
        round = new Round(this.#plan.def, base, this)
      } catch (error) {
        if (!isBusy(error) || this.#plan.stops) throw error
        await this.#pause(pauseOf(tries))
        if (this.#isStopped) return undefined
      }
    }
    this.#round = round
    void round.ended.then(() => this.#intake.wake())
    return round
  }

  /** What is not done of those before `upTo`, until the culprit is past. Those before `begun` were executed once already. Returns what goes on; -1: nothing does. */
  async #oneByOne(upTo: number, begun: number): Promise<number> {
    const { source, signal } = this.#plan
    let event = this.#done
    for (let tries = 0; event < upTo; ) {
      if (tries > 0) await this.#pause(pauseOf(tries))
      if (source.lost?.aborted === true || this.#isLeaving || (signal?.aborted === true && tries > 0)) return -1
      const round = await this.#begin(event)
      if (round === undefined) return -1
      await round.send(this.#intake.take(event, 1))
      round.end()
      const { failure } = await round.ended
      const executions = tries + (event < begun ? 2 : 1)
      if (failure?.fatal === true) throw failure.error
      if (failure !== undefined && (isBusy(failure.error) || (await source.failed?.(event, failure.error, executions)) !== true)) {
        tries++
        continue
      }
      // One that left the event alone has had its chance, too.
      this.done(event + 1, false)
      event++
      tries = 0
      if (failure === undefined) continue
      this.#deadLettered++
      break
    }
    return event
  }

  /** Acknowledges what is done, one call at a time. */
  async #ack(): Promise<void> {
    try {
      while (this.#acked < this.#done) {
        const upTo = this.#done
        await this.#plan.source.ack?.(upTo)
        this.#keep(upTo)
      }
    } catch (error) {
      this.#ackFailure = { error }
      this.#intake.stop()
      this.#round?.abort(error)
    } finally {
      this.#acking = undefined
    }
  }

  #keep(upTo: number): void {
    this.#acked = Math.max(this.#acked, upTo)
    this.#intake.release(upTo)
  }

  /** Ends early when nothing more is wanted. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onStop = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** ms before what did not succeed so often is tried again. */
function pauseOf(tries: number): number {
  return Math.min(PAUSE * 4 ** (tries - 1), LONGEST_PAUSE)
}

/** There was no place: no event is at fault for that. */
function isBusy(error: unknown): boolean {
  return error instanceof VeloError && error.code === 'VELO_OVERLOADED'
}
