// js/durable/stream/intake: the way of an event from `send` into the journal and to the function. Knows nothing of results.
//
// An event is accepted when there is room, acknowledged when it is stored, and then given to the function. At most `buffer` events and MAX_BYTES bytes
// are between the two; beyond that sends wait in line, as with any stream.

import type { Failure } from '../../../kit/errors.js'
import { DONE_VOID, refuse, silence } from '../../../kit/promises.js'
import { onAbort } from '../../../kit/signals/signals.js'
import type { EventRecord, Journal, Ownership } from '../../journal.js'
import { Doubt, type DoubtOwner } from './doubt.js'
import { aborted, Entry, noneAccepted, withAccepted } from './entry.js'
import { recordOf, recordsOf } from './incoming.js'
import type { IntakeOwner } from './intake-owner.js'
import { type Accepted, type Part, sizeOf } from './part.js'
import { Refusals } from './refusals.js'

/** Bytes between acceptance and the function, at most; one event is always let in. */
const MAX_BYTES = 16 << 20
/** Events given to the function's stream at a time. */
const FED = 64
const NOTHING = new Uint8Array(0)

export class Intake implements DoubtOwner {
  /** Index of the next event, over all lives; the end of the input has one, too. */
  next = 0
  private isEndCounted = false
  /** The source gives its events again, from any index on: none of them goes into the journal. */
  isKeptElsewhere = false
  private readonly owner: IntakeOwner
  store: { journal: Journal; own: Ownership } | undefined
  private line: Entry[] = []
  /** In the order of their indexes. */
  private parts: Part[] = []
  private flying = 0
  private readonly refusals: Refusals
  private readonly doubt = new Doubt(this)
  private pending = 0
  private pendingBytes = 0
  private kept: Accepted[] = []
  private feeding = false
  /** What was played again comes before what is new. */
  private replaying = true
  private ended = false
  private failure: Failure | undefined
  private over = false
  private ending: 'no' | 'kept' | 'told' = 'no'

  constructor(owner: IntakeOwner) {
    this.owner = owner
    this.refusals = new Refusals(owner)
  }

  /** Something is on its way to the function. */
  get isBusy(): boolean {
    return this.line.length > 0 || this.pending > 0 || this.replaying
  }

  /** Events so far, without the end of the input. */
  get events(): number {
    return this.next - (this.isEndCounted ? 1 : 0)
  }

  get hasEnded(): boolean {
    return this.ended
  }

  /** The journal was read: appends may go. `ended`: the end of the input is kept already. */
  open(journal: Journal, own: Ownership, next: number, ended: boolean): void {
    this.store = { journal, own }
    this.next = next
    this.doubt.isOpen = false
    this.isEndCounted = ended
    if (ended) {
      this.ended = true
      this.ending = 'kept'
      this.refuseLine()
    }
    this.accept()
  }

  /** The stream had ended before, with `next` events, the end of the input among them or not. */
  wasOver(next: number, isEndCounted: boolean): void {
    this.next = next
    this.isEndCounted = isEndCounted
  }

  /** What was kept before has been given to the function. */
  caughtUp(): void {
    this.replaying = false
    void this.feedOn()
  }

  /** The function begins anew with what the journal has, in which everything is that was kept here. */
  pause(): void {
    this.replaying = true
    this.store = undefined
    this.left(this.kept.length, sizeOf(this.kept))
    this.kept = []
    if (this.ending === 'told') this.ending = 'no'
  }

  send(event: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return refuse(aborted(signal, this.owner.id, 0))
    return this.sendAll([event], signal)
  }

  sendBatch(events: readonly unknown[]): Promise<void> {
    return this.sendAll(events, undefined)
  }

  trySend(event: unknown): boolean {
    if (this.ended || this.line.length > 0 || !this.canGo) return false
    // It counts as accepted, and nobody waits to hear that it is not kept after all.
    this.enter([recordOf(event, this.owner)], undefined).catch((error) => this.owner.fail(error))
    return true
  }

  /** `end()`, or the end of a source with what it threw: behind everything that waits. */
  end(failure: Failure | undefined): void {
    if (this.ended || this.over) return
    this.ended = true
    this.failure = failure
    // What a source threw is no event: a source that begins again throws again, or does not.
    if (failure === undefined) silence(this.enter([{ at: 0, end: true, bytes: NOTHING }], undefined, true))
    else this.accept()
  }

  /** The stream has closed: nobody gets anything any more. */
  close(): void {
    if (this.over) return
    this.over = true
    this.kept = []
    this.refuseLine()
  }

  private sendAll(events: readonly unknown[], signal: AbortSignal | undefined): Promise<void> {
    if (this.ended || this.over) return refuse(this.owner.sendError(0, !this.over))
    try {
      const records = recordsOf(events, this.owner)
      if (records instanceof Promise) return silence(records.then((late) => this.sendChecked(late, signal), noneAccepted))
      return this.enter(records, signal)
    } catch (error) {
      return refuse(withAccepted(error, 0))
    }
  }

  private sendChecked(records: readonly Accepted[], signal: AbortSignal | undefined): Promise<void> {
    if (this.ended || this.over) throw this.owner.sendError(0, !this.over)
    return this.enter(records, signal)
  }

  /** Takes a place in line, or goes at once. */
  private enter(events: readonly Accepted[], signal: AbortSignal | undefined, end = false): Promise<void> {
    if (events.length === 0) return Promise.resolve()
    const bound = this.owner.line
    if (!end && this.line.length >= bound && !this.canGo) return refuse(this.owner.overrun(bound))
    const entry = new Entry(events, end)
    if (signal !== undefined) entry.forget = onAbort(signal, () => this.leave(entry, signal))
    this.line.push(entry)
    this.accept()
    return silence(entry.promise)
  }

  /** Aborted in line: what was accepted goes on. */
  private leave(entry: Entry, signal: AbortSignal): void {
    if (entry.accepted === entry.events.length) return
    this.line = this.line.filter((other) => other !== entry)
    entry.failure ??= { error: aborted(signal, this.owner.id, entry.accepted) }
    entry.settle()
    this.accept()
  }

  private get hasRoom(): boolean {
    return this.pending === 0 || (this.pending < this.owner.buffer && this.pendingBytes < MAX_BYTES)
  }

  private get canGo(): boolean {
    if (this.store === undefined || this.over || this.doubt.isOpen) return false
    return this.hasRoom && !this.parts.some(({ state }) => state === 'refused')
  }

  /** Appends what there is room for. */
  private accept(): void {
    if (this.line.length > 0) void this.doubt.settle()
    for (let entry = this.line[0]; entry !== undefined && this.canGo; entry = this.line[0]) {
      const room = entry.end ? 1 : Math.max(1, this.owner.buffer - this.pending)
      const { events, size } = entry.part(room, MAX_BYTES - this.pendingBytes)
      this.append(entry, events, size)
      if (entry.accepted === entry.events.length) this.line.shift()
    }
    this.tellEnd()
  }

  private append(entry: Entry, events: readonly Accepted[], size: number): void {
    const { journal, own } = this.store as NonNullable<Intake['store']>
    const at = Date.now()
    for (const event of events) event.at = at
    const part: Part = { entry, from: this.next, events, size, state: 'flying' }
    if (entry.accepted === 0) entry.from = this.next
    entry.accepted += events.length
    this.next += events.length
    this.pending += events.length
    this.pendingBytes += size
    this.flying++
    this.isEndCounted = entry.end
    this.parts.push(part)
    const keeping = this.isKeptElsewhere ? DONE_VOID : journal.append(own, part.from, events)
    keeping.then(
      () => this.settled(part, 'kept', undefined),
      (error) => this.settled(part, 'refused', { error }),
    )
    this.owner.appended()
  }

  private settled(part: Part, state: 'kept' | 'refused', failure: Failure | undefined): void {
    part.state = state
    this.flying--
    const { entry } = part
    if (failure !== undefined) this.refused(entry, failure.error)
    else {
      entry.kept += part.events.length
      if (entry.kept === entry.events.length) entry.settle()
    }
    this.sort()
    void this.feedOn()
    this.accept()
  }

  /** The journal refuses events: those of the same entry that wait go with them, and so do all that were appended behind. */
  private refused(entry: Entry, error: unknown): void {
    this.line = this.line.filter((other) => other !== entry)
    const first = this.parts.find(({ entry: other }) => other.failure !== undefined)?.entry.failure
    this.refusals.add(entry, first ?? { error })
  }

  /** Events kept go on in their order. When all is known that was appended behind a refused one, numbers go on from there, once the journal has said what it has. */
  private sort(): void {
    let part = this.parts[0]
    for (; part?.state === 'kept'; part = this.parts[0]) {
      this.parts.shift()
      if (part.entry.end && this.store !== undefined) this.ending = 'kept'
      if (part.entry.end || this.store === undefined) this.left(part.events.length, part.size)
      else for (const event of part.events) this.kept.push(event)
    }
    if (part?.state !== 'refused' || this.flying > 0) return
    this.next = part.from
    this.isEndCounted = false
    for (const { events, size } of this.parts) this.left(events.length, size)
    this.parts = []
    this.doubt.isOpen = this.store !== undefined
    if (!this.doubt.isOpen) this.refusals.tell(this.next)
    void this.doubt.settle()
  }

  adopt(records: readonly EventRecord[]): void {
    this.next += records.length
    // The refusal of the end has ended the stream.
    const events = records.filter(({ end }) => !end)
    this.isEndCounted = events.length < records.length
    this.pending += events.length
    this.pendingBytes += sizeOf(events)
    this.kept.push(...events)
  }

  answered(failure: Failure | undefined): void {
    if (failure !== undefined) for (const entry of [...this.line]) this.refused(entry, failure.error)
    if (this.flying === 0) this.refusals.tell(this.next)
    void this.feedOn()
    this.accept()
  }

  private async feedOn(): Promise<void> {
    if (this.feeding || this.replaying || this.over) return
    this.feeding = true
    try {
      while (this.kept.length > 0) {
        const records = this.kept.splice(0, FED)
        try {
          await this.owner.feed(records)
        } finally {
          // Taken or not: a life that follows finds them in the journal.
          this.left(records.length, sizeOf(records))
        }
        this.accept()
      }
    } catch {
      // It takes no more: whoever waits is told by its end.
    } finally {
      this.feeding = false
    }
    this.tellEnd()
  }

  /** They are not on their way any more. */
  private left(events: number, bytes: number): void {
    this.pending -= events
    this.pendingBytes -= bytes
  }

  /** The function sees the end when it has everything before. */
  private tellEnd(): void {
    if (this.ending === 'told' || this.replaying || this.pending > 0 || this.line.length > 0 || this.kept.length > 0) return
    if (this.ending !== 'kept' && this.failure === undefined) return
    this.ending = 'told'
    this.owner.tellEndOfInput(this.failure)
  }

  private refuseLine(): void {
    const { line } = this
    this.line = []
    for (const entry of line) {
      entry.failure ??= { error: this.owner.sendError(entry.kept, !this.over) }
      entry.settle()
    }
  }
}
