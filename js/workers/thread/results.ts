// The results of a segment on their way out: in time, as far as there is room, and after them how the segment ended.
//
// Not here: what makes them, and the one that waits for room (segment.ts).

import { BatchWriter, type TransferSender } from '../codec/codec.js'
import { DuctWriter } from '../wire/duct-writer.js'
import { asksAlong, Control, HEADER, type OpenCommand, type Outcome, type StageRef } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import type { Loaded } from './load.js'
import { isOvertime } from './turns.js'

/** ms that a result may wait for others while the function computes. */
const PATIENCE_MS = 0.5

export class ThreadResults {
  private readonly writer: DuctWriter
  private readonly tally: Tally
  /** Number of the stage they come from. */
  readonly stage: number
  /** Whether the function goes on from its `yield` before somebody wants the next result. */
  readonly goesOn: boolean
  private sentAt = 0
  /** The end was said, and waits until everything is through. */
  private onGone: (() => void) | undefined

  /** `onRoom` is called when a wait for room may be over. */
  constructor(command: OpenCommand, codec: Loaded['codec'], transfers: TransferSender, tally: Tally, onRoom: () => void) {
    const { results, buffer, transfer, lockstep, stages } = command
    const values = new BatchWriter(codec, { reserve: HEADER, transfer, transfers })
    this.goesOn = !lockstep || asksAlong(command)
    this.writer = new DuctWriter(results, values, { buffer, prompt: () => !this.goesOn }, () => {
      if (this.onGone === undefined) onRoom()
      else this.goOut()
    })
    this.tally = tally
    this.stage = (stages.at(-1) as StageRef).index
  }

  /** Whether one may go. Where none may, `onRoom` says when to ask again. */
  get hasRoom(): boolean {
    return this.writer.credits > 0 || this.writer.refill()
  }

  /** One goes, with its batch. Throws `VELO_CODEC` for one that cannot travel. */
  add(value: unknown): void {
    this.writer.add(value)
    this.tally.give(this.stage)
  }

  /** Sends what has been gathered; `asks`: and that the function waits for an event. */
  flush(asks = false): void {
    this.writer.flush(asks ? Control.Asks : Control.None)
  }

  /**
   * Whether this turn has lasted long enough, after one has gone. A function that computes for long must not keep its results back; a look at the clock now and then
   * is enough.
   */
  lingers(): boolean {
    const { waiting } = this.writer
    if ((waiting & (waiting - 1)) !== 0) return false
    const now = performance.now()
    if (waiting === 0 || now - this.sentAt > PATIENCE_MS) {
      this.writer.flush()
      this.sentAt = now
    }
    return isOvertime()
  }

  /** Says how the segment ended; `onGone` when everything has been sent, and the end of the duct is given up. */
  end(outcome: Outcome, onGone: () => void): void {
    // What was printed first goes first: the caller's process may end with the stream.
    afterPrinted(() => {
      this.onGone = onGone
      this.writer.end(outcome)
      this.goOut()
    })
  }

  private goOut(): void {
    const { onGone } = this
    if (onGone === undefined || !this.writer.isThrough) return
    this.onGone = undefined
    this.writer.part()
    onGone()
  }
}

/** Calls `go` when what functions printed so far has reached the thread that started this one, through which it travels: at once if nothing is on its way. */
function afterPrinted(go: () => void): void {
  const streams = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0)
  const next = (): void => {
    const stream = streams.pop()
    if (stream === undefined) go()
    else stream.write('', next)
  }
  next()
}
