// One durable stream where its functions run: what they have taken, given and asked for so far, and when their state is saved.

import type { Codec } from '../../kit/types.js'
import { decodeRecord, encodeRecord } from '../../workers/codec/late-record.js'
import type { HarnessData, HarnessLink, Saved } from './data.js'
import { Outcomes } from './outcomes.js'
import { Random } from './random.js'

export class Hosted {
  readonly codec: Codec
  readonly link: HarnessLink
  readonly outcomes: Outcomes
  readonly random: Random
  /** What `ctx.state` gives. */
  state: unknown
  /** When the event taken last was accepted, Unix ms. */
  at: number
  private readonly data: HarnessData
  private readonly stages = new Set<number>()
  private hasLast = false
  /** Events that the first function has taken. */
  private taken: number
  /** Results that the last function has yielded. */
  private yielded: number
  private asked: number
  private readonly counts: Map<string, number>
  private savedAt = performance.now()
  private savedEvents: number
  /** The first function waits for an event. */
  private isResting = false
  /** There is no room for events beside those before a state. */
  private isUrgent = false

  constructor(data: HarnessData, link: HarnessLink) {
    this.data = data
    this.link = link
    this.codec = data.codec
    this.at = data.at
    this.taken = this.savedEvents = data.events
    this.yielded = data.results
    this.asked = data.asked
    this.counts = new Map(Object.entries(data.counts))
    this.outcomes = new Outcomes(data.codec, data.outcomes)
    this.random = new Random(data.random)
    if (data.state !== undefined) this.state = decodeRecord(data.state.bytes, 'structured')
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

  /** A `ctx.run` begins: how many did before, and how often its name came. */
  begin(name: string): { asked: number; turn: number } {
    const turn = this.counts.get(name) ?? 0
    this.counts.set(name, turn + 1)
    return { asked: this.asked++, turn }
  }

  /** The first function asks for its next event: everything before is done. */
  rest(): void {
    this.isResting = true
    const { state } = this.data
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
