// The input channel of a live stream whose first stage runs on a worker thread: events are encoded when they are accepted, and wait in the duct.

import { Input } from '../../engine/channels/input.js'
import { ClosedError, type Failure } from '../../kit/errors.js'
import type { DuctWriter } from '../wire/duct-writer.js'
import { Control } from '../wire/protocol.js'
import type { SentErrors } from './sent-errors.js'

export class RemoteInput<In> extends Input<In> {
  private writer: DuctWriter | null = null
  private errors: SentErrors | null = null
  private told = false
  /** Whoever sends wants to know how far the function is. */
  private isHearing = false
  private unstarted: Failure | null = null

  /** The function has been started on its thread, or anew on another one. */
  attach(writer: DuctWriter, errors: SentErrors): void {
    this.writer = writer
    this.errors = errors
    this.told = false
    this.refill()
    this.endWaits()
    this.open()
  }

  /** The function could not be started. */
  refuse(failure: Failure): void {
    this.unstarted = failure
  }

  /** There may be credits, or the function has taken more. */
  override open(): void {
    super.open()
    if (this.row.milestone === null) return
    this.row.passMilestone()
    if (this.isHearing) this.hear()
  }

  override hear(): void {
    this.isHearing = this.row.milestone !== null
    if (this.isHearing) this.writer?.hear()
  }

  override trySend(event: In): boolean {
    try {
      return super.trySend(event)
    } catch (error) {
      if (error instanceof ClosedError) return false
      throw error
    }
  }

  override sendBatch(events: readonly In[]): Promise<void> {
    this.writer?.cork(true)
    const sent = super.sendBatch(events)
    this.writer?.cork(false)
    return sent
  }

  protected override accept(event: In): void {
    const { owner } = this
    if (!owner.started) owner.start()
    // Without a writer the function could not be started: the stream is failing.
    if (this.writer === null) throw this.unstarted === null ? owner.sendError(0, false) : this.unstarted.error
    this.credits-- // a getter of the event may send, too
    try {
      this.writer.add(event)
    } finally {
      this.credits = this.writer.credits
    }
    this.row.accept()
  }

  protected override refill(): boolean {
    if (this.writer === null) return !this.owner.started && this.credits > 0
    this.writer.refill()
    this.credits = this.writer.credits
    return this.credits > 0
  }

  /** What is on its way is dropped by the other side, and counted when that has finished. */
  protected override drop(): void {}

  /** Whether the function waits is told by its thread. */
  protected override noSilence(): void {}

  protected override silence(): void {
    this.row.waitElsewhere()
  }

  protected override endWaits(): void {
    if (this.told || !this.hasEnded || this.sending || this.writer === null || this.over) return
    this.told = true
    // It stays set: another thread may have to be told, too.
    if (this.failure !== null) this.writer.control(Control.Fail, this.errors?.send(this.failure.error))
    this.writer.control(Control.End)
  }
}
