// js/durable/stream: one durable stream over all its lives: what is kept before it is acknowledged, what is played again, which result has which index, and its end.
// Knows nothing of how a journal keeps it, nor of what happens where the function runs.
//
// A durable stream over all its lives. Events go by the intake into the journal and then into the life at hand, results come out of that by the outlet. Owns its beginning, its going on
// after a thread was lost, and its end: what is finished leaves the journal, what was only closed stays.

import type { Live, LiveInstance, Lives } from '../../api/live.js'
import { State } from '../../engine/border/law.js'
import type { Definition } from '../../engine/definition.js'
import type { LeaseOptions } from '../../engine/lease.js'
import type { StageLoss } from '../../engine/stages/harness.js'
import type { Failure } from '../../kit/errors.js'
import { DONE_VOID, silence } from '../../kit/promises.js'
import type { Position, Resumed, StreamEnd } from '../../kit/types.js'
import { readEnd } from './commits/end.js'
import { Finishing } from './finishing.js'
import { Inlet, type Lived } from './inlet.js'
import { Intake } from './intake/intake.js'
import { Life, type LifeOwner } from './life.js'
import { birth } from './opening.js'
import { Outlet, type OutletOwner } from './outlet.js'
import type { Pulling } from './pulling.js'
import { isLoss, readerError } from './reader-error.js'
import type { Settings } from './settings.js'
import { StreamView } from './stream-view.js'
import { Suspicion } from './suspicion.js'

export class DurableLive extends StreamView implements Live, LiveInstance, Lives, LifeOwner, OutletOwner, Lived {
  readonly id: string
  readonly input: Intake
  readonly output: Outlet
  readonly instance: LiveInstance = this
  readonly lives: Lives = this
  readonly resumed: Promise<Resumed | null>
  readonly def: Definition
  protected readonly settings: Settings
  private readonly pulling: Pulling | undefined
  life: Life
  private readonly ended: Promise<StreamEnd>
  private tell: (end: StreamEnd) => void = () => {}
  private end: StreamEnd | undefined
  /** What ends it beside the function. */
  failure: Failure | undefined
  private readonly finishing: Finishing
  private giveBack: (() => void) | undefined
  /** The next life, while one is being made. */
  private reborn: Promise<void> | undefined
  private readonly suspicion: Suspicion
  /** Closed or aborted, which a life that follows must hear of. */
  private leave: ((instance: LiveInstance) => void) | undefined
  private opened: Promise<void> = DONE_VOID
  /** How it had ended before it was opened. */
  retained: StreamEnd | undefined

  /** Throws OverloadedError, or `VELO_CONFIG` for an id in use. */
  constructor(def: Definition, options: LeaseOptions, pulling: Pulling | undefined, settings: Settings) {
    super()
    this.def = def
    this.pulling = pulling
    this.settings = settings
    this.suspicion = settings.suspicion ?? new Suspicion()
    this.finishing = new Finishing(this, settings)
    this.output = new Outlet(this, pulling)
    this.life = new Life(def, options, pulling, settings, this)
    this.id = this.life.inner.id
    this.input = new Intake(new Inlet(this, settings))
    this.ended = new Promise((resolve) => void (this.tell = resolve))
    this.resumed = silence(this.begin(this.life))
    this.watch(this.life)
  }

  get position(): Position {
    return { events: this.input.events, results: this.output.handed }
  }

  /** Settles when the journal was read, with the index of the next event; `undefined` where no event can come any more. */
  async nextEvent(): Promise<number | undefined> {
    await this.opened
    return this.input.hasEnded ? undefined : this.input.next
  }

  async whenBack(): Promise<void> {
    await this.opened
    const { isReady, inner } = this.life
    if (!isReady || inner.row.state !== State.Waiting) await this.resumed
  }

  endInput(failure?: Failure): void {
    this.input.end(failure)
  }

  feedFrom(giveBack: () => void): void {
    this.giveBack = giveBack
    this.life.inner.feedFrom(giveBack)
  }

  whenEnded(): Promise<StreamEnd> {
    return this.ended
  }

  awaitEnd(): Promise<StreamEnd> {
    void this.life.inner.instance.awaitEnd()
    return this.ended
  }

  close(): Promise<void> {
    // Nobody asks for more.
    if (this.end !== undefined) this.output.left()
    this.leave ??= (instance) => silence(instance.close())
    return silence(this.whenClosed(this.life))
  }

  private async whenClosed(life: Life): Promise<void> {
    await life.inner.instance.close().catch((error) => {
      // The life in its place, if there is one, is closed as soon as it is there.
      if (life === this.life && this.goesOn(error) === undefined) throw error
    })
    await this.ended
    await this.life.settled()
  }

  abort(reason: unknown): void {
    this.leave = (instance) => instance.abort(reason)
    this.life.inner.instance.abort(reason)
  }

  async ack(): Promise<void> {
    const { handed } = this.output
    for (;;) {
      await this.opened
      const { life } = this
      life.ledger?.deliver(handed)
      const flushed = life.ledger?.flush()
      // A life that has lost its thread commits nothing more; the one in its place has it said again.
      if (this.reborn !== undefined) await flushed?.catch(() => {})
      else await flushed
      await this.reborn
      if (life === this.life) return
    }
  }

  delivered(index: number): void {
    if (!this.settings.collects) this.life.ledger?.deliver(index)
  }

  readToTheEnd(): void {
    this.finishing.isReadOut = true
    if (this.end !== undefined) this.finishing.ifRead(this.end)
  }

  why(error: unknown): unknown {
    return this.failure === undefined ? error : readerError(error, this.failure, this.id)
  }

  goesOn(error: unknown): Promise<void> | undefined {
    return this.life.isLost && isLoss(error) ? this.reborn : undefined
  }

  threadLost(life: Life, loss: StageLoss): void {
    const { instance } = life.inner
    // Somebody has aborted it: that ends it, whatever becomes of its thread.
    if (life !== this.life || this.end !== undefined || instance.lastFailure !== undefined) return
    const mayGoOn = this.suspicion.add(loss, life.first, life.isolation?.isOver === false)
    life.isLost = true
    if (mayGoOn && this.settings.survivesThreads && this.failure === undefined) this.reborn ??= silence(this.liveOn())
    else this.failure ??= loss
    // No function after it may take that for the failure of the one before.
    if (!loss.last) instance.abort(loss.error)
  }

  ending(life: Life, failure: Failure | undefined): Failure | undefined {
    this.failure ??= this.finishing.cutShort(life, failure)
    return this.failure ?? failure
  }

  played(): void {
    this.input.caughtUp()
  }

  fail(error: unknown): void {
    if (this.failure !== undefined || this.end !== undefined) return
    this.failure = { error }
    this.life.inner.instance.abort(error)
  }

  /** Asks the journal, and begins a life with what it kept. */
  private async begin(life: Life): Promise<Resumed | null> {
    let told: () => void = () => {}
    this.opened = new Promise((resolve) => void (told = resolve))
    try {
      const kept = await this.settings.journal.open({ function: this.def.options.name, id: life.inner.id }, birth())
      if (kept.over !== undefined) return this.wasOver(life, kept.over)
      const ended = await life.hasEnded(kept)
      this.output.handed = Math.max(this.output.handed, kept.delivered)
      const opening = await life.opening(kept, ended)
      if (!this.suspicion.isFree) await this.suspicion.keepApart(life)
      if (life === this.life) {
        if (life.isLeaving && this.reborn === undefined) {
          await this.finishing.leftEarly(kept, await this.ended)
          return null
        }
        life.begin(kept, opening)
        this.input.open(this.settings.journal, kept.own, Math.max(kept.events, kept.state?.events ?? 0), ended)
      }
      told()
      await this.whenCaughtUp()
      if (kept.isNew) return null
      return { events: kept.events - (ended ? 1 : 0), results: kept.delivered, by: kept.state === undefined ? 'replay' : 'state' }
    } catch (error) {
      // Another life has its place, to which the journal is not closed.
      if (life === this.life) this.fail(error)
      throw error
    } finally {
      told()
    }
  }

  /** Of the life at hand, whichever that is by then. */
  private async whenCaughtUp(): Promise<void> {
    for (let life: Life | undefined; life !== this.life; ) {
      life = this.life
      await life.whenCaughtUp()
      await this.reborn
    }
  }

  private watch(life: Life): void {
    void life.inner.instance.whenEnded().then((end) => this.lifeEnded(life, end))
  }

  private async lifeEnded(life: Life, end: StreamEnd): Promise<void> {
    life.end()
    if (life.isLost && this.failure === undefined) return
    this.input.close()
    // One that fails while it is closed tells nobody else.
    if (end.reason === 'failed') this.ending(life, { error: end.error })
    const { failure, retained } = this
    const known = retained ?? (failure === undefined ? end : { ...end, reason: 'failed' as const, error: failure.error })
    this.end = known
    if (failure === undefined && retained === undefined) this.finishing.ended(known, life)
    // What was delivered is written before anybody hears of the end; a journal that does not answer holds nobody up.
    const { ledger } = life
    if (ledger !== undefined) await life.inner.bounded(silence(ledger.flush()).catch(() => {}))
    ledger?.stop()
    this.tell(known)
  }

  /** It had ended before: whoever opens it learns how. */
  private wasOver(life: Life, over: Uint8Array): Resumed {
    const { end, events, results, isInputOver } = readEnd(over)
    this.retained = end
    this.output.handed = results
    this.input.wasOver(events, isInputOver)
    this.pulling?.wasOver({ isNew: false, isEnded: true, events, results })
    void life.inner.instance.close()
    return { events: this.input.events, results, by: 'replay' }
  }

  /** Its thread is lost. */
  private async liveOn(): Promise<void> {
    const before = this.life
    const end = await before.inner.instance.whenEnded()
    await before.ledger?.flush().catch(() => {})
    before.ledger?.stop()
    this.input.pause()
    try {
      this.life = this.following(before)
    } catch (error) {
      // There is no room for it, which ends it as its thread would have.
      this.failure = { error }
      return this.lifeEnded(before, end)
    } finally {
      this.reborn = undefined
    }
    this.watch(this.life)
    // Whoever reads goes on: what was played may not be taken before results are.
    void silence(this.begin(this.life))
  }

  /** A new life in the place of one. Throws OverloadedError. */
  private following({ inner }: Life): Life {
    const life = new Life(this.def, { id: this.id, scope: inner.instance.scope }, this.pulling, this.settings, this)
    life.inner.output.soleReader = inner.output.soleReader
    if (this.giveBack !== undefined) life.inner.feedFrom(this.giveBack)
    this.leave?.(life.inner.instance)
    return life
  }
}
