// What connects stages on worker threads with the caller's side: the threads they got, the ducts between, and both ends here. A second one replaces it when a
// thread is lost.

import { native } from '../../engine/border/native.js'
import type { Stage, StageHost } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { BatchReader, BatchWriter, type Codec } from '../codec/codec.js'
import { DuctReader } from '../wire/duct-reader.js'
import { DuctWriter } from '../wire/duct-writer.js'
import { asksAlong, HEADER, Pause, type Thrown } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import { Unacknowledged } from '../wire/unacknowledged.js'
import { markIdle } from './pool.js'
import { choosePlaces, type Place, RemoteSegment, type SegmentOwner } from './remote-segment.js'
import type { SentErrors } from './sent-errors.js'
import { referenceOf } from './travel.js'

/** Neighboring stages of a stream that run on worker threads: between them no value comes by here. */
export interface ConnectedStages {
  readonly instance: StageHost
  readonly stages: readonly Stage[]
  /** Number of the first stage in the pipeline. */
  readonly first: number
  tally: Tally
  readonly errors: SentErrors
}

export interface ConnectionOwner extends SegmentOwner {
  /** There may be credits for events. */
  onRoom(): void
  /** There may be results. */
  arrived(): void
}

export class Connection {
  readonly writer: DuctWriter
  readonly reader: DuctReader
  /** In the order of the stages. */
  readonly segments: RemoteSegment[]
  /** The function asks for events along with its results. */
  readonly asksAlong: boolean
  private readonly ducts: readonly number[]
  private readonly transfers: { readonly bytes: number }
  /** Buffers that traveled beside the events. */
  private readonly sender: { readonly sent: number }
  /** Events that may be sent again are held for that. */
  private readonly holds: boolean
  private readonly codec: Codec

  /** `results`: how many may come that nobody asked for; `before`: what is left of the last connection is read first. */
  constructor(group: ConnectedStages, results: number, owner: ConnectionOwner, before: DuctReader | undefined) {
    const { instance, stages, first, tally, errors } = group
    const places = choosePlaces(stages, first, instance.harness?.isolation)
    const { ahead } = instance.mode
    this.asksAlong = asksAlong({ lockstep: ahead === 0, fed: 0, spliced: places.length - 1 })
    // Each stage reports its waits into the row, and the first one how many events of the stream it was given.
    const { slot } = instance.row
    const ducts = [native.duct(this.asksAlong ? 1 : ahead, slot, first === 0 ? 1 : 0)]
    for (let index = 1; index < places.length; index++) ducts.push(native.duct(ahead, slot, 0))
    ducts.push(native.duct(results, 0, 0))

    const { travel } = referenceOf(stages[0] as Stage)
    const { codec, transfer } = travel
    const [entry, exit] = [(places[0] as Place).thread.transfers, (places.at(-1) as Place).thread.transfers]
    const [into, outOf] = [ducts[0] as number, ducts.at(-1) as number]
    const unacknowledged = travel.onWorkerExit === 'reopen' ? new Unacknowledged(tally, codec) : undefined
    const sender = entry.sender(into)
    this.sender = sender
    this.holds = unacknowledged !== undefined
    this.codec = codec
    const values = new BatchWriter(codec, { reserve: HEADER, transfer, transfers: unacknowledged?.holding(sender) ?? sender })
    const transfers = exit.receiver(outOf)
    this.transfers = transfers
    const { buffer } = instance.def.options
    const prompt = (before: number): boolean => tally.taken(first) >= before
    this.writer = new DuctWriter(into, values, { buffer, prompt, unacknowledged }, () => owner.onRoom())
    this.reader = new DuctReader(outOf, new BatchReader(codec, { reserve: HEADER, transfers }), () => owner.arrived(), before)
    this.ducts = ducts
    this.segments = []
    try {
      for (const [index, place] of places.entries()) {
        const [events, results] = [ducts[index] as number, ducts[index + 1] as number]
        const [before, after] = [places[index - 1]?.thread, places[index + 1]?.thread]
        if (after !== undefined) place.thread.meet(after)
        const [fed, spliced] = [before?.number ?? 0, after?.number ?? 0]
        this.segments.push(new RemoteSegment(instance, place, { events, results, fed, spliced, travel, tally }, errors, owner))
      }
    } catch (error) {
      this.leave(undefined)
      this.part()
      exit.forget(outOf)
      for (const { thread } of places) markIdle(thread)
      throw error
    }
  }

  /** Ends the stages before those of a segment; settles when they have. */
  leaveBefore(segment: RemoteSegment): Promise<unknown> {
    const before = this.segments.slice(0, this.segments.indexOf(segment))
    for (const one of before) one.leave(undefined)
    return Promise.all(before.map((one) => one.whenOver()))
  }

  /** Closed, or aborted with what is thrown. */
  leave(thrown: Thrown | undefined): void {
    for (const segment of this.segments) segment.leave(thrown)
  }

  /** A segment was told to leave, and has not said yet whether it goes at once. */
  get isLeaving(): boolean {
    return this.segments.some((segment) => segment.isLeaving)
  }

  /** Ends what still runs; a promise where that takes time. */
  release(): Promise<unknown> | undefined {
    const pending = this.segments.filter((segment) => !segment.isOver)
    for (const segment of pending) segment.leave(undefined)
    return pending.length === 0 ? undefined : Promise.all(pending.map((segment) => segment.whenOver()))
  }

  /** What a function threw when nobody listened any more. */
  unheard(): Failure | undefined {
    return this.segments.find((segment) => segment.failure !== undefined)?.failure
  }

  bytes(): { in: number; out: number } {
    return { in: this.writer.bytes, out: this.reader.bytes + this.transfers.bytes }
  }

  /** Whether the last function waits for room that nobody makes: what lies before it does not move either. */
  isHeld({ tally, instance }: ConnectedStages): boolean {
    return instance.mode.hasUnread && tally.pause((this.segments.at(-1) as RemoteSegment).begin) === Pause.Room
  }

  /** Whether a function is at work, or something on its way that will set one to work, or arrive here. */
  isBusy({ tally, first, stages }: ConnectedStages): boolean {
    let { sent } = this.writer
    if (this.writer.controls > tally.heeded(first)) return true
    for (let index = first; index < first + stages.length; index++) {
      // The first stage of a segment knows what all of them wait for.
      const waits = tally.pause(index) === Pause.Event || !this.segments.some((segment) => segment.begin === index)
      if (sent > tally.taken(index) || !waits) return true
      sent = tally.given(index)
    }
    return sent > this.reader.received
  }

  /** Number of the thread of a stage. */
  threadOf(index: number): number {
    return this.segments.find((segment) => segment.has(index))?.thread.number ?? 0
  }

  suspect(ms: number): void {
    for (const segment of this.segments) if (!segment.isOver) segment.thread.suspect(ms)
  }

  /** Events that no function has taken. Throws where the codec cannot read what it wrote. */
  untaken(): unknown[] {
    return this.writer.untaken()
  }

  /** Takes the stages back from their threads, all of them. False where one has begun, or where buffers are with a thread without which the events are not whole. */
  recall(tally: Tally): boolean {
    if ((this.sender.sent > 0 && !this.holds) || !tally.recall()) return false
    for (const segment of this.segments) segment.over()
    return true
  }

  /** The events, after a recall: nobody has taken the other end of their duct. */
  takeBack(): unknown[] {
    if (this.holds) return this.untaken()
    const { writer } = this
    const reader = new DuctReader(writer.duct, new BatchReader(this.codec, { reserve: HEADER, transfers: undefined }), () => {})
    const events: unknown[] = []
    writer.flush()
    for (let more = true; more; ) {
      more = false
      while (reader.pull()) more = true
      while (reader.length > 0) events.push(reader.shift())
      writer.refill() // what was stuck follows
    }
    reader.part()
    return events
  }

  /** Gives both ends up, and those that a thread never took. */
  part(): void {
    this.writer.part()
    this.reader.part()
    for (const segment of this.segments) segment.unread()
    for (const duct of this.ducts) native.discard(duct)
  }
}
