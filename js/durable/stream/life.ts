// One life of a durable stream: the plain stream inside, the harness of its functions, what it has to commit. It begins with what the journal kept: the events are played
// to the function, results that were given out before are made again, compared and thrown away.

import type { Definition } from '../../engine/definition.js'
import type { LeaseOptions } from '../../engine/lease.js'
import type { Isolation, StageLoss } from '../../engine/stages/harness.js'
import { type Failure, VeloError } from '../../kit/errors.js'
import { silence } from '../../kit/promises.js'
import type { Codec } from '../../kit/types.js'
import type { HarnessLink } from '../harness/data.js'
import { enveloped } from '../harness/envelope.js'
import type { Checkpoint, EventRecord, Kept } from '../journal.js'
import { CallerHarness } from './caller-harness.js'
import { type EndMark, isSameEnd, readEndMark } from './commits/end-mark.js'
import { hashOf } from './commits/hash.js'
import { Ledger } from './commits/ledger.js'
import { Inner, type InnerOwner } from './inner.js'
import { type Opening, opening } from './opening.js'
import type { PulledLife, Pulling } from './pulling.js'
import type { Settings } from './settings.js'

/** Events played at a time. */
const PAGE = { events: 4096, bytes: 1 << 20 }

export interface LifeOwner {
  /** New events are on their way to the function. */
  readonly isFeeding: boolean
  /** Events come without end, and all that came were asked for. Absent where they do not. */
  readonly isDry?: boolean
  /** Where readers got results, those of earlier lives in this process too. */
  readonly output: { readonly handed: number; confirm(index: number): void }
  /** What was kept has been given to the function: new events may follow. */
  played(): void
  /** It cannot go on. */
  fail(error: unknown): void
  /** Its stages on other threads are lost. */
  threadLost?(life: Life, loss: StageLoss): void
  /** Its function has ended with `failure`, or returned: what the reader gets instead of that. */
  ending?(life: Life, failure: Failure | undefined): Failure | undefined
  /** A replay is not the same. Default: `fail`. */
  diverged?(error: unknown): void
}

export class Life implements InnerOwner, PulledLife, HarnessLink {
  readonly inner: Inner
  ledger: Ledger | undefined
  isReady = false
  private readonly owner: LifeOwner
  private readonly settings: Settings
  private readonly harness: CallerHarness
  /** The first function runs on another thread. */
  private readonly isElsewhere: boolean
  private readonly pulling: Pulling | undefined
  private kept: Kept | undefined
  /** Results below this index were given out. */
  private given = 0
  private hasDiverged = false
  private isPlaying = true
  /** Stored events, or the stored end of the input, have not been processed again yet. */
  private hasStored = false
  private isInputStored = false
  /** Its thread was lost. */
  isLost = false
  isolation: Isolation | undefined
  isTraced = false
  /** How the function had ended before, while somebody had still to read that. */
  private endBefore: EndMark | undefined
  /** Index of the first event that the function gets. */
  first = 0
  private isOver = false
  private readonly caught: Promise<void>
  private onCaught: () => void = () => {}

  constructor(def: Definition, options: LeaseOptions, pulling: Pulling | undefined, settings: Settings, owner: LifeOwner) {
    this.owner = owner
    this.settings = settings
    this.isElsewhere = def.stages[0]?.placement !== undefined
    this.caught = new Promise((resolve) => {
      this.onCaught = () => {
        this.harness.caughtUp()
        resolve()
      }
    })
    this.harness = new CallerHarness(this)
    this.pulling = pulling
    pulling?.enter(this)
    this.inner = new Inner(def, { ...options, harness: this.harness }, this.pulling, this)
  }

  get codec(): Codec {
    return this.settings.codec
  }

  get isRepeating(): boolean {
    return this.ledger !== undefined && this.ledger.made < this.given
  }

  get isFeeding(): boolean {
    return !this.isReady || this.isPlaying || this.owner.isFeeding
  }

  get isKeeping(): boolean {
    return this.isFeeding && !(this.isReady && this.owner.isDry === true)
  }

  /** Whether it was closed or aborted meanwhile. */
  get isLeaving(): boolean {
    return this.inner.instance.isUnwinding || this.inner.row.slot < 0
  }

  /** Whether the input has ended, by what is kept. */
  async hasEnded(kept: Kept): Promise<boolean> {
    if (kept.events <= kept.first) return false
    const [last] = await this.settings.journal.read(kept.own, kept.events - 1, { events: 1, bytes: 1 })
    return last?.end === true
  }

  /** What it begins with. Rejects with `VELO_CHECKPOINT`. */
  opening(kept: Kept, ended: boolean): Promise<Opening> {
    const { closeTimeout } = this.inner.instance.def.options
    return opening(kept, ended, this.owner.output.handed, { id: this.inner.id, closeTimeout, ...this.settings })
  }

  /** Begins: the function may start. */
  begin(kept: Kept, { data, earlier, from }: Opening): void {
    const { inner, settings } = this
    this.kept = kept
    this.given = data.delivered
    const events = Math.max(data.accepted, kept.events)
    this.pulling?.begin(from, { isNew: kept.isNew, isEnded: events > data.accepted, events, results: data.delivered })
    this.harness.data = data
    this.hasStored = data.accepted > data.events
    this.isInputStored = kept.events > data.accepted
    this.endBefore = readEndMark(kept.outcomes)
    this.first = from
    this.ledger = new Ledger(settings.journal, kept, settings.state !== undefined, (error) => this.fail(error))
    this.isReady = true
    if (data.accepted === data.events) this.onCaught()
    void inner
      .ready(earlier)
      .then(() => this.play(kept, from))
      .then(
        () => this.played(),
        (error) => this.fail(error),
      )
  }

  /** Settles when what was kept has been taken by the function, or as much as unread results let. */
  whenCaughtUp(): Promise<void> {
    return this.caught
  }

  /** Settles when the journal knows what was delivered, and whether the stream has finished; one that does not answer holds nobody up. */
  async settled(): Promise<void> {
    if (this.ledger !== undefined) await this.inner.bounded(this.ledger.flush().catch(() => {}))
  }

  /** It is over: what it still hears concerns nobody. */
  end(): void {
    this.isOver = true
    this.onCaught()
    this.harness.close()
  }

  made(record: Uint8Array): boolean {
    const ledger = this.ledger as Ledger
    const index = ledger.made
    const hash = hashOf(record)
    this.compare(index, hash)
    ledger.add(hash, record)
    return index >= this.given
  }

  heldBack(): void {
    this.onCaught()
  }

  confirm(index: number): void {
    this.owner.output.confirm(index)
  }

  keep(asked: number, bytes: Uint8Array): Promise<void> {
    return (this.ledger as Ledger).keep(asked, bytes)
  }

  checkpoint(checkpoint: Checkpoint): void {
    this.ledger?.save(checkpoint)
  }

  caughtUp(): void {
    this.onCaught()
  }

  diverged(why: string): void {
    const { id } = this.inner
    const error = new VeloError('VELO_CHECKPOINT', `stream ${id}: ${why}`, { streamId: id })
    if (this.settings.onDivergence === 'fail') return this.owner.diverged === undefined ? this.fail(error) : this.owner.diverged(error)
    process.emitWarning(error.message, { type: 'VeloWarning', code: error.code })
  }

  replayed(): void {
    this.hasStored = false
  }

  lost(loss: StageLoss): void {
    this.owner.threadLost?.(this, loss)
  }

  ending(failure: Failure | undefined): Failure | undefined {
    return this.owner.ending === undefined ? failure : this.owner.ending(this, failure)
  }

  /** Index of the next event that the function would get. */
  get taken(): number {
    return this.first + this.inner.row.delivered
  }

  /**
   * Whether an end of the function is not how it had ended before: a failure before everything stored was processed again, or a return before results
   * that were delivered. A return alone proves nothing: a function may leave events, and its process may have died before it came to them.
   */
  isCutShort(failure: Failure | undefined): boolean {
    if (!this.isReady || this.isLost) return false
    this.harness.receiveAll()
    const isReplaying = this.isRepeating || (failure !== undefined && (this.hasStored || this.isInputStored))
    return isReplaying && !(this.endBefore !== undefined && isSameEnd(this.endBefore, failure, this.taken))
  }

  /** Gives kept events to the function: as they are, or as bytes where it runs on another thread. */
  give(events: readonly EventRecord[]): Promise<void> {
    return this.inner.input.sendBatch(this.isElsewhere ? events.map(({ at, bytes }) => enveloped(at, bytes)) : events)
  }

  /** Gives the kept events to the function, as fast as it takes them; the next page is read meanwhile. */
  private async play(kept: Kept, from: number): Promise<void> {
    const { journal } = this.settings
    const page = (at: number) => silence(Promise.resolve(journal.read(kept.own, at, PAGE)))
    let reading = from < kept.events ? page(from) : undefined
    for (let at = from; reading !== undefined && !this.isLeaving; ) {
      // What was appended meanwhile goes by the intake.
      const records = (await reading).slice(0, kept.events - at)
      at += records.length
      reading = records.length > 0 && at < kept.events ? page(at) : undefined
      const events = records.at(-1)?.end === true ? records.slice(0, -1) : records
      if (events.length === 0) continue
      try {
        await this.give(events)
      } catch {
        return // it takes no more: its end says why
      }
    }
  }

  private played(): void {
    this.isPlaying = false
    if (!this.isOver) this.owner.played()
  }

  private fail(error: unknown): void {
    if (!this.isOver) this.owner.fail(error)
  }

  private compare(index: number, hash: number): void {
    const { from, values } = (this.kept as Kept).hashes
    const before = values[index - from]
    if (before === undefined || before === hash || this.hasDiverged) return
    this.hasDiverged = true
    this.diverged(
      `result ${index} differs from the one given out before: the function does not make the same of the same events; ` +
        'what it asks of the world belongs into ctx.run, ctx.now and ctx.random',
    )
  }

  /** The journal has refused events. */
  refused(): void {
    if (this.settings.state !== undefined) this.harness.urge()
  }

  /** What is to be committed goes along with what was appended. */
  appended(): void {
    if (this.ledger?.isDue === true) void silence(this.ledger.flush())
  }
}
