// How many results of a stage on another thread have left their channel: the other side is told, so that it may send more.

import type { StageHost } from '../../engine/stages/stage.js'
import type { DuctReader } from '../wire/duct-reader.js'
import { atTurnEnd } from '../wire/turn-end.js'

export class Consumption {
  private readonly instance: StageHost
  /** Results wait in the output channel of the stream after they were taken. */
  private readonly held: boolean
  private reader: DuctReader | null = null
  /** Results that were taken. */
  taken = 0
  private reported = 0
  private reporting = false
  /** What had left the channel when this duct was new. */
  private base = 0

  constructor(instance: StageHost, last: boolean) {
    this.instance = instance
    this.held = last && instance.mode.holdsResults
  }

  /** A new duct: how many results may come that nobody asked for, while `waiting` old ones are still here. */
  begin(waiting: number): number {
    this.reader = null
    this.base = this.reported = this.total()
    return Math.max(0, this.instance.mode.ahead - (this.taken + waiting - this.base))
  }

  /** Results come out of `reader` from now on. */
  follow(reader: DuctReader): void {
    this.reader = reader
  }

  /** Nothing more is told. */
  end(): void {
    this.reader = null
  }

  /** In lockstep: one more is wanted. */
  want(): void {
    if (this.instance.mode.ahead === 0) this.reader?.demand(this.taken + 1 - this.base)
  }

  /** A result was taken: whatever room that makes is told. */
  take(): void {
    this.taken++
    if (!this.held) this.report()
  }

  report(): void {
    const { instance, reader } = this
    if (reader === null || instance.mode.ahead === 0) return
    const total = this.total()
    if (total === this.reported) return
    if (total - this.reported >= instance.mode.ahead >> 1) return this.tell()
    if (this.reporting) return
    this.reporting = true
    atTurnEnd(this)
  }

  turnEnds(): void {
    this.reporting = false
    if (this.total() !== this.reported) this.tell()
  }

  private tell(): void {
    this.reported = this.total()
    this.reader?.demand(this.reported - this.base)
  }

  private total(): number {
    if (!this.held) return this.taken
    const { row } = this.instance
    return row.read + row.droppedResults
  }
}
