// The receiving end of a duct: batches come in, values come out. What a batch says after its values is kept until somebody looks.

import { deserialize } from 'node:v8'
import { End } from '../../engine/border/law.js'
import { native } from '../../engine/border/native.js'
import { BatchBytes, type BatchReader } from '../codec/batch-reader.js'
import { join, part } from './duct-ends.js'
import { Control, HEADER } from './protocol.js'

/** Memory that one batch after the other is copied to. */
const SCRATCH = 1 << 16
let scratch = new BatchBytes(new Uint8Array(SCRATCH))

export class DuctReader {
  readonly duct: number
  private readonly reader: BatchReader
  private values: unknown[] = []
  private at = 0
  /** What the last batch said after its values; its reader sets it back to `None`. */
  control: number = Control.None
  payload: unknown
  /** Values received. */
  received = 0
  /** Bytes received; large buffers are counted where they arrive. */
  bytes = 0
  /** Takes the receiving end, and the values that are left of the one `before`; `wake` is called for a batch that came after `pull` said that there is none. */
  constructor(duct: number, reader: BatchReader, wake: () => void, before?: DuctReader | null) {
    this.duct = duct
    this.reader = reader
    if (before != null) this.values = before.values.splice(before.at)
    join(duct, End.Receiver, wake)
  }

  /** How many values are here. */
  get length(): number {
    return this.values.length - this.at
  }

  /** The oldest value; only while `length` is not 0. */
  shift(): unknown {
    const value = this.values[this.at]
    this.values[this.at++] = undefined // nothing taken stays reachable
    if (this.at === this.values.length) {
      this.values.length = 0
      this.at = 0
    }
    return value
  }

  /** Forgets the values that are here; answers how many. */
  clear(): number {
    const count = this.length
    this.values = []
    this.at = 0
    return count
  }

  /** Takes the next batch in. False: there is none, `wake` will tell. Throws `VELO_CODEC` where a codec of the user fails. */
  pull(): boolean {
    let size = native.pull(this.duct, scratch.plain)
    if (size < 0) {
      scratch = new BatchBytes(new Uint8Array(-size))
      size = native.pull(this.duct, scratch.plain)
    }
    if (size === 0) return false
    this.bytes += size
    const source = scratch
    const memory = source.plain
    if (memory.length > SCRATCH) scratch = new BatchBytes(new Uint8Array(SCRATCH))
    const payload = (memory[4] as number) | ((memory[5] as number) << 8) | ((memory[6] as number) << 16) | ((memory[7] as number) << 24)
    if (memory[0] !== Control.None) {
      this.control = memory[0] as number
      this.payload = payload === 0 ? undefined : deserialize(memory.subarray(size - payload, size))
      size -= payload
    }
    const before = this.values.length
    if (size > HEADER) this.reader.read(source, size, this.values)
    this.received += this.values.length - before
    return true
  }

  /** Asks for values: `total` since the beginning. `delivered` of them were given to the function, which waits for the next or not. */
  demand(total: number, delivered = 0, waiting = false): void {
    native.demand(this.duct, total, delivered, waiting ? 1 : 0)
  }

  /** Gives the end up; what is in the duct is gone. */
  part(): void {
    part(this.duct, End.Receiver)
  }
}
