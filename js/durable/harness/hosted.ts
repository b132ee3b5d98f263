// One durable stream where its functions run: what they have taken, given and asked for so far, and when their state is saved.

import type { Codec, StreamContext } from '../../kit/types.js'
import { decodeRecord, encodeRecord } from '../../workers/codec/late-record.js'
import type { HarnessData, HarnessLink, Saved } from './data.js'
import { identityOf, Outcomes, type StepId, type StoredOutcome } from './outcomes.js'
import { Random } from './random.js'
import { StageSteps } from './stage-steps.js'

export class Hosted {
  readonly codec: Codec
  readonly link: HarnessLink
  readonly outcomes: Outcomes
  readonly random: Random
  /** What `ctx.state` gives. */
  state: unknown
  /** When the event taken last was accepted, Unix ms. */
  at: number
  /** The function asks whether it replays. */
  isLenient = false
  private readonly data: HarnessData
  private readonly stages = new Set<number>()
  private readonly steps: StageSteps[] = []
  private hasLast = false
  /** Events that the first function has taken. */
  private taken: number
  /** Results that the last function has yielded. */
  private yielded: number
  private asked: number
  private readonly counts: Map<string, number>
  /** How often each name with a key was called since the last saved state. */
  private readonly keyed = new Map<string, number>()
  private savedAt = performance.now()
  private savedEvents: number
  /** The first function waits for an event. */
  private isResting = false
  /** There is no room for events beside those before a state. */
  private isUrgent = false
  /** Stored events are still being processed. */
  private hasStored: boolean

  constructor(data: HarnessData, link: HarnessLink) {
    this.data = data
    this.link = link
    this.codec = data.codec
    this.at = data.at
    this.taken = this.savedEvents = data.events
    this.yielded = data.results
    this.asked = data.asked
    this.hasStored = data.accepted > data.events
    this.counts = new Map(Object.entries(data.counts))
    this.outcomes = new Outcomes(data.codec, data.outcomes, data.events)
    this.random = new Random(data.random)
    if (data.state !== undefined) this.state = decodeRecord(data.state.bytes, 'structured')
  }

  /** `ctx.replaying`. A function that asks may leave out steps while it is true. */
  get replaying(): boolean {
    const { isReplaying } = this
    this.isLenient ||= isReplaying
    return isReplaying
  }

  /** Whether something that was given out, or done, before has not been made again. */
  get isReplaying(): boolean {
    const { delivered, accepted } = this.data
    if (!this.outcomes.isDone(this.stages)) return true
    // Results are not seen where the last function runs on another thread, and events where the first one does.
    return this.hasLast ? this.yielded < delivered : this.stages.has(0) && this.taken < accepted
  }

  /** One of the functions that run here, by the number of its stage. */
  holds(stage: number, last: boolean): void {
    this.stages.add(stage)
    this.hasLast ||= last
  }

  /** An event is given to the first function. */
  took(at: number): void {
    this.isResting = false
    this.taken++
    this.at = at
    if (this.taken === this.data.accepted) this.link.caughtUp()
  }

  /** The last function has yielded. */
  gave(): void {
    this.yielded++
  }

  /** ms that a function may take to call `ctx.run` for a stored outcome. */
  get patience(): number {
    return this.data.patience
  }

  /** Events before the saved state from which positions are counted. */
  get base(): number {
    return this.savedEvents
  }

  /** The steps of a stage. */
  stepsOf(stage: number, plain: StreamContext, isLoose: boolean): StageSteps {
    const steps = new StageSteps(this, stage, plain, isLoose)
    this.steps.push(steps)
    return steps
  }

  /** The step that a call would be. */
  nextStep(name: string, key: string | undefined): StepId {
    const identity = identityOf(name, key)
    return { name, key, identity, turn: (key === undefined ? this.counts : this.keyed).get(identity) ?? 0 }
  }

  /** A step begins; answers how many did before. */
  begin({ key, identity, turn }: StepId): number {
    const counts = key === undefined ? this.counts : this.keyed
    counts.set(identity, turn + 1)
    return this.asked++
  }

  /** The function has not called `ctx.run` for a stored outcome. Answers whether it is skipped. */
  missing({ record }: StoredOutcome): boolean {
    const which = record.key === undefined ? `number ${record.turn}` : `with key '${record.key}'`
    this.link.diverged(
      `the outcome of ctx.run('${record.name}'), ${which}, is stored and comes next, and the function did not call it within ` +
        `${this.data.patience} ms (closeTimeout): the function does not do the same with the same events`,
    )
    return this.data.onDivergence === 'warn'
  }

  /** The first function asks for its next event: everything before is done. */
  rest(): void {
    this.isResting = true
    const { state, accepted } = this.data
    if (this.hasStored && this.taken >= accepted) {
      this.hasStored = false
      this.link.replayed()
    }
    if (state === undefined || this.taken === this.savedEvents) return
    const isDue = this.taken - this.savedEvents >= state.events || performance.now() - this.savedAt >= state.ms
    if (!(isDue || this.isUrgent) || this.isReplaying) return
    const counts = Object.fromEntries(this.counts)
    const saved: Saved = { state: this.state, at: this.at, random: this.random.position, counts }
    // What cannot be kept fails the function where it asks.
    const bytes = encodeRecord(saved, 'structured')
    this.savedEvents = this.taken
    this.savedAt = performance.now()
    this.isUrgent = false
    this.keyed.clear()
    for (const { queue } of this.steps) queue.rebase()
    this.link.checkpoint({ version: state.version, events: this.taken, results: this.yielded, asked: this.asked, bytes })
  }

  /** Saves the state as soon as everything taken is done: its history makes room. */
  urge(): void {
    this.isUrgent = true
    if (!this.isResting) return
    try {
      this.rest()
    } catch {
      // What cannot be kept fails the function where it asks again.
    }
  }
}
