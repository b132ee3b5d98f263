// The row of one stream in the control block, with names for what is counted there: JavaScript counts, Rust decides by the counts. Owns: the way to the
// words, and which events are timed. Not here: which row a stream gets (control-block.ts), and what a count leads to.

import type { Milestone } from '../../kit/iteration/pulled.js'
import type { StreamMetrics } from '../../kit/types.js'
import { clock, offsetOf, pageOf } from './control-block.js'
import { ROW_WORDS, type Side, State, Word } from './law.js'
import { native } from './native.js'
import { COUNTERS, Probe, SAMPLE_MASK, type Sampling } from './probe.js'

const { Accepted, Delivered, Yielded, Read, DroppedEvents, DroppedResults, Waiting, WaitingSince, UnreadSince } = Word

/** Who keeps the time of a row beside Rust. */
export interface RowWatch {
  /** The function asks and has to wait. */
  waits(): void
  /** A result was read, or the first one waits to be. */
  unread(): void
}

export class Row {
  /** After the end a copy: the row serves another stream then. */
  private page: Float64Array | number[]
  private at: number
  /** Its number in Rust; -1 after the end. */
  slot: number
  /** Where the stream is in its life, as Rust said last. */
  state: number
  readonly probe = new Probe()
  /** Only where the function has a clock of its own. */
  watch: RowWatch | null = null
  /** Who is told when so many events were delivered: where their bytes are counted. */
  milestone: Milestone | null = null
  private readonly sampling: Sampling
  private readonly phase: number

  constructor(slot: number, sampling: Sampling) {
    this.slot = slot
    this.sampling = sampling
    this.phase = sampling.opens()
    this.page = pageOf(slot)
    this.at = offsetOf(slot)
    this.state = this.page[this.at + Word.State]
    this.page[this.at + Waiting] = 1 // until it starts it waits for an event (rule 5)
  }

  get accepted(): number {
    return this.page[this.at + Accepted]
  }

  get delivered(): number {
    return this.page[this.at + Delivered]
  }

  get yielded(): number {
    return this.page[this.at + Yielded]
  }

  get read(): number {
    return this.page[this.at + Read]
  }

  get droppedResults(): number {
    return this.page[this.at + DroppedResults]
  }

  /** A word of it, for whoever looks now and then. */
  word(word: number): number {
    return this.page[this.at + word]
  }

  /** Whether the function waits for an event, and no send is under way. */
  get isWaiting(): boolean {
    return this.page[this.at + Waiting] === 1
  }

  /** An event is taken in. */
  accept(): void {
    const count = ++this.page[this.at + Accepted]
    if (COUNTERS && ((count + this.phase) & SAMPLE_MASK) === 1) this.probe.accepted(count)
  }

  /** An event is taken in because the function asks for it. */
  acceptAsked(): void {
    const count = ++this.page[this.at + Accepted]
    const turn = (count + this.phase) & SAMPLE_MASK
    if (COUNTERS && turn <= 2) {
      this.askedAfter(this.page[this.at + Delivered])
      if (turn === 1) this.probe.accepted(count)
    }
  }

  /** The function asks, and gets an event that was there. */
  deliver(): void {
    const count = ++this.page[this.at + Delivered]
    if (COUNTERS && ((count + this.phase) & SAMPLE_MASK) <= 2) this.askedAfter(count - 1)
    if (this.milestone !== null && count >= this.milestone.at) this.milestone.reached()
  }

  /** The function gets an event, and had asked before. */
  deliverAsked(): void {
    this.page[this.at + Delivered]++
    if (this.milestone !== null) this.passMilestone()
  }

  /** The function gets the event that it waited for. */
  deliverAwaited(): void {
    this.page[this.at + Delivered]++
    this.page[this.at + Waiting] = 0
    if (this.milestone !== null) this.passMilestone()
  }

  /** An event is taken in for which the function waits: it gets it at once. */
  acceptAwaited(): void {
    const { page, at } = this
    const count = ++page[at + Accepted]
    page[at + Delivered]++
    page[at + Waiting] = 0
    if (COUNTERS && ((count + this.phase) & SAMPLE_MASK) === 1) this.probe.accepted(count)
  }

  /** The function asks, and waits for an event of which nothing is under way. */
  askAndWait(): void {
    const { page, at } = this
    if (this.watch !== null) this.watch.waits()
    page[at + WaitingSince] = clock[0]
    page[at + Waiting] = 1
    if (COUNTERS && this.probe.event > 0) this.askedAfter(page[at + Delivered])
  }

  /** On another thread `count` events were delivered so far. */
  deliveredTo(count: number): void {
    this.page[this.at + Delivered] = Math.max(this.page[this.at + Delivered], count)
    this.passMilestone()
  }

  /** More events were delivered, perhaps. */
  passMilestone(): void {
    if (this.milestone !== null && this.delivered >= this.milestone.at) this.milestone.reached()
  }

  /** What was accepted and not delivered is dropped. */
  dropUndelivered(): void {
    this.page[this.at + DroppedEvents] = this.page[this.at + Accepted] - this.page[this.at + Delivered]
  }

  dropEvents(count: number): void {
    this.page[this.at + DroppedEvents] += count
  }

  /** The function asks and has to wait; `silent`: for an event of which nothing is under way. */
  wait(silent: boolean): void {
    if (this.watch !== null) this.watch.waits()
    this.page[this.at + WaitingSince] = clock[0]
    this.page[this.at + Waiting] = silent ? 1 : 0
  }

  /** A later stage of a pipeline asks and has to wait. The pipeline is idle only while every stage waits, so the clock starts again. */
  restartWait(): void {
    if (this.watch !== null) this.watch.waits()
    this.page[this.at + WaitingSince] = clock[0]
  }

  /** The same for a function on another thread, whose thread says whether it waits. */
  waitElsewhere(): void {
    this.page[this.at + WaitingSince] = clock[0]
  }

  /** The function waits no more, or an event is under way. */
  endWait(): void {
    this.page[this.at + Waiting] = 0
  }

  /** The function asks on after all that was delivered: a sample may be due. */
  asked(): void {
    if (COUNTERS && this.probe.event > 0) this.askedAfter(this.page[this.at + Delivered])
  }

  /** The same of a function on another thread: that it has asked is seen from what it did. */
  askedElsewhere(): void {
    const { probe } = this
    if (probe.event <= 0 || this.slot < 0) return
    const { delivered } = this
    if (delivered > probe.event || (delivered === probe.event && this.isWaiting)) probe.asked(this.slot)
  }

  /** An event is being timed that was not processed yet. */
  get isTiming(): boolean {
    return this.probe.event > 0
  }

  /** A result came out of the function. */
  yield(): void {
    const count = ++this.page[this.at + Yielded]
    if (COUNTERS && this.isTimed()) this.probe.yielded(count)
  }

  /** A result came out of the function, and its reader gets it at once. */
  yieldToReader(): void {
    const count = ++this.page[this.at + Yielded]
    if (COUNTERS && this.isTimed()) {
      this.probe.yielded(count)
      this.probe.read(this.slot)
    }
  }

  /** The result at whose `yield` the function rested enters its channel. */
  yieldHeld(): void {
    this.page[this.at + Yielded]++
  }

  /** Results that nobody wants any more came out of the function. */
  yieldUnwanted(count: number): void {
    this.page[this.at + Yielded] += count
    this.page[this.at + DroppedResults] += count
  }

  /** The caller takes results that were yielded. */
  take(count: number): void {
    const read = (this.page[this.at + Read] += count)
    if (COUNTERS && this.probe.result > 0 && read >= this.probe.result && this.state !== State.Closed) this.probe.read(this.slot)
  }

  /** Results that were yielded are dropped unread. */
  dropResults(count: number): void {
    this.page[this.at + DroppedResults] += count
  }

  /** Since when results wait unread: from now on, or no more. After the end nobody asks, and the word holds a latency. */
  markUnread(unread: boolean): void {
    if (this.watch !== null) this.watch.unread()
    if (this.state !== State.Closed) this.page[this.at + UnreadSince] = unread ? clock[0] : 0
  }

  /** More credits, as Rust grants them. */
  grant(side: (typeof Side)[keyof typeof Side]): number {
    return native.grant(this.slot, side)
  }

  /** The stream is over, and the row is given back: a copy is kept for whoever reads the numbers later. Answers what was dropped. */
  vacate(): { events: number; results: number } {
    const { page, at } = this
    const copy: number[] = []
    for (let word = 0; word < ROW_WORDS; word++) copy.push(page[at + word])
    this.page = copy
    this.at = 0
    this.slot = -1
    this.sampling.ends(copy[Accepted])
    return { events: copy[DroppedEvents], results: copy[DroppedResults] }
  }

  /** The numbers of the stream: from the row and, while it is open, from Rust. At the end Rust leaves the latencies in the row. */
  metrics(thread: number): StreamMetrics {
    const now = this.slot < 0 ? undefined : native.streamMetrics(this.slot)
    const word = (offset: number): number => this.page[this.at + offset]
    return {
      eventsIn: word(Accepted),
      eventsOut: word(Yielded),
      dropped: { events: word(DroppedEvents), results: word(DroppedResults) },
      latency: {
        p50: now?.p50 ?? word(Word.P50),
        p95: now?.p95 ?? word(Word.P95),
        p99: now?.p99 ?? word(Word.P99),
        samples: now?.samples ?? word(Word.Samples),
      },
      // At the end they lie in the words of a wait that is over.
      processing: {
        p50: now?.processing.p50 ?? word(Waiting),
        p95: now?.processing.p95 ?? word(WaitingSince),
        p99: now?.processing.p99 ?? word(UnreadSince),
      },
      durationMs: now?.durationMs ?? word(Word.Duration),
      thread,
    }
  }

  /** The function asks on after `delivered` events. */
  private askedAfter(delivered: number): void {
    const { probe } = this
    if (probe.event > 0 && delivered >= probe.event) probe.asked(this.slot)
  }

  /** Whether the next result is the first one of the event that is timed. */
  private isTimed(): boolean {
    const { probe } = this
    return probe.event > 0 && probe.result === 0 && this.page[this.at + Delivered] >= probe.event
  }
}
