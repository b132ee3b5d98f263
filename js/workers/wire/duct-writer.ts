// The sending end of a duct: values are encoded as they come, and sent a batch at a time. It holds credits; with none left its owner waits.

import { serialize } from 'node:v8'
import { End } from '../../engine/border/law.js'
import { native } from '../../engine/border/native.js'
import type { BatchWriter } from '../codec/batch/batch-writer.js'
import { join, part } from './duct-ends.js'
import { BATCH_BYTES, BATCH_VALUES, BATCH_WEIGHT, Control, HEADER, isPlainEnd, type Outcome } from './protocol.js'
import { atTurnEnd } from './turn-end.js'
import type { Unacknowledged } from './unacknowledged.js'

/** Writes the header of a batch. */
function head(batch: Uint8Array, control: number, payload: number, left = false): void {
  batch[0] = control
  batch[1] = left ? 1 : 0
  batch[4] = payload & 255
  batch[5] = (payload >> 8) & 255
  batch[6] = (payload >> 16) & 255
  batch[7] = payload >>> 24
}

export interface WriterOptions {
  buffer: number
  /** Whether the first value of a turn is sent at once, after `before` others: the other side has nothing left to do, and begins while the rest is gathered. */
  prompt: (before: number) => boolean
  unacknowledged?: Unacknowledged | undefined
}

export class DuctWriter {
  readonly duct: number
  private readonly values: BatchWriter
  private readonly prompt: (before: number) => boolean
  private readonly most: number
  /** What was sent and perhaps not taken yet, where it may have to be sent again. */
  private readonly unacknowledged: Unacknowledged | undefined
  /** Values that may be added before `refill` has to be asked. */
  credits = 0
  /** Values added so far. */
  sent = 0
  /** How often something was said beside the values. */
  controls = 0
  /** Bytes sent, large buffers included. */
  bytes = 0
  /** Batches that found the duct full, oldest first: nothing is added meanwhile, so that they are few. */
  private stuck: { batch: Uint8Array; weight: number }[] = []
  private turning = false
  private corked = false
  /** A value is being written: what its getters want said waits until it is. */
  private adding = false
  private deferred: (() => void)[] | null = null
  private readonly onRoom: () => void

  /** Takes the sending end. `onRoom` is called when a wait for credits may be over. */
  constructor(duct: number, values: BatchWriter, { buffer, prompt, unacknowledged }: WriterOptions, onRoom: () => void) {
    this.duct = duct
    this.values = values
    this.prompt = prompt
    this.unacknowledged = unacknowledged
    this.most = Math.min(BATCH_VALUES, Math.max(1, buffer >> 1))
    this.onRoom = onRoom
    join(duct, End.Sender, () => {
      this.unstick()
      this.onRoom()
    })
  }

  /** Asks for credits; without any, `onRoom` says when to ask again. */
  refill(): boolean {
    this.credits = this.stuck.length > 0 && !this.unstick() ? 0 : native.credit(this.duct, this.sent)
    return this.credits > 0
  }

  /** `onRoom` is called when the other side asks for more, whatever there are of credits. */
  hear(): void {
    native.credit(this.duct, Number.MAX_SAFE_INTEGER)
  }

  /** Adds a value, for which there must be a credit. Throws `VELO_CODEC` for one that cannot travel: then nothing was added. */
  add(value: unknown): void {
    const { values } = this
    const within = this.adding
    this.adding = true
    this.credits-- // spoken for, whatever a getter of the value adds
    try {
      values.add(value)
      this.sent++
    } catch (error) {
      this.credits++
      throw error
    } finally {
      this.adding = within
      if (this.deferred !== null && !within) this.catchUp()
    }
    if (within) this.endTurnLater()
    else if (values.count >= this.most || values.inline >= BATCH_BYTES || values.bytes >= BATCH_WEIGHT) this.flush()
    else if (this.turning || this.corked) return
    else if (this.prompt(this.sent - values.count)) this.flush()
    this.endTurnLater()
  }

  /** While corked, values are sent in full batches only. */
  cork(on: boolean): void {
    this.corked = on
    if (on) return
    if (!this.turning && this.prompt(this.sent - this.values.count)) this.flush()
    this.endTurnLater()
  }

  /** How many values wait to be sent. */
  get waiting(): number {
    return this.values.count
  }

  /** Sends what has been gathered, and says something after it. */
  flush(kind: number = Control.None): void {
    const { values } = this
    if (kind !== Control.None && this.adding) return this.later(() => this.flush(kind))
    if (kind !== Control.None && values.count === 0) return this.control(kind)
    if (values.count === 0 || this.adding) return
    const { size, bytes, count, tells } = values
    const memory = values.take()
    this.unacknowledged?.add(new Uint8Array(memory.subarray(0, size)), count, tells) // a copy
    head(memory, kind, 0)
    this.push(memory, size, bytes)
  }

  /** Says something after the values, at once. */
  control(kind: number, payload?: unknown): void {
    if (this.adding) return this.later(() => this.control(kind, payload))
    this.flush()
    this.controls++
    const bytes = payload === undefined ? null : serialize(payload)
    const batch = new Uint8Array(HEADER + (bytes?.length ?? 0))
    head(batch, kind, bytes?.length ?? 0)
    if (bytes !== null) batch.set(bytes, HEADER)
    this.push(batch, batch.length, batch.length)
  }

  /** Says how the function ended, after the values. */
  end(outcome: Outcome): void {
    if (this.adding) return this.later(() => this.end(outcome))
    if (!isPlainEnd(outcome)) return this.control(outcome.thrown === undefined ? Control.Returned : Control.Threw, outcome)
    this.flush()
    const batch = new Uint8Array(HEADER)
    head(batch, Control.Returned, 0, outcome.left)
    this.push(batch, HEADER, HEADER)
  }

  /** Values that nobody took, where they are held for that. */
  untaken(): unknown[] {
    this.flush()
    return this.unacknowledged?.untaken() ?? []
  }

  /** Nothing is stuck: whoever ends may go. */
  get isThrough(): boolean {
    return this.stuck.length === 0
  }

  turnEnds(): void {
    this.turning = false
    this.flush()
  }

  /** Gives the end up. */
  part(): void {
    part(this.duct, End.Sender)
  }

  private later(say: () => void): void {
    this.deferred ??= []
    this.deferred.push(say)
  }

  private catchUp(): void {
    const { deferred } = this
    this.deferred = null
    for (const say of deferred ?? []) say()
  }

  private endTurnLater(): void {
    if (this.turning) return
    this.turning = true
    atTurnEnd(this)
  }

  /** Sends the first `size` bytes of `memory`. */
  private push(memory: Uint8Array, size: number, weight: number): void {
    this.bytes += weight
    if ((this.stuck.length > 0 && !this.unstick()) || native.push(this.duct, memory, size, weight) === 0) {
      this.stuck.push({ batch: new Uint8Array(memory.subarray(0, size)), weight }) // a copy: its memory is written to again
      this.credits = 0
    }
  }

  private unstick(): boolean {
    let first = this.stuck[0]
    while (first !== undefined && native.push(this.duct, first.batch, first.batch.length, first.weight) === 1) {
      this.stuck.shift()
      first = this.stuck[0]
    }
    return first === undefined
  }
}
