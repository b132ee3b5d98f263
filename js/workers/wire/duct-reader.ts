// The receiving end of a duct: batches come in, values come out. What a batch says after its values is kept until somebody looks.

import { deserialize } from 'node:v8'
import { End } from '../../engine/border/law.js'
import { native } from '../../engine/border/native.js'
import { BatchBytes, type BatchReader } from '../codec/batch/batch-reader.js'
import { join, part } from './duct-ends.js'
import { Control, HEADER } from './protocol.js'

/** Memory that one batch after the other is copied to; `null` while one is read: a codec of the user may come back here. */
const SCRATCH = 1 << 16
let scratch: BatchBytes | null = null

export class DuctReader {
  readonly duct: number
  private readonly reader: BatchReader
  private values: unknown[] = []
  private at = 0
  /** The values of a batch are read. */
  private reading = false
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
    if (this.reading) return false // by its own codec, which gets no further than its batch
    let source = scratch ?? new BatchBytes(new Uint8Array(SCRATCH))
    let size = native.pull(this.duct, source.plain)
    if (size < 0) {
      source = new BatchBytes(new Uint8Array(-size))
      size = native.pull(this.duct, source.plain)
    }
    if (size > 0) {
      scratch = null
      this.read(source, size)
    }
    if (source.plain.length === SCRATCH) scratch = source
    return size > 0
  }

  /** Asks for values: `total` since the beginning. `delivered` of them were given to the function, which waits for the next or not. */
  demand(total: number, delivered = 0, waiting = false): void {
    native.demand(this.duct, total, delivered, waiting ? 1 : 0)
  }

  private read(source: BatchBytes, size: number): void {
    this.bytes += size
    const memory = source.plain
    const payload = (memory[4] as number) | ((memory[5] as number) << 8) | ((memory[6] as number) << 16) | ((memory[7] as number) << 24)
    const end = size - payload
    if (memory[0] !== Control.None) {
      this.control = memory[0] as number
      if (payload > 0) this.payload = deserialize(memory.subarray(end, size))
      else this.payload = memory[0] === Control.Returned ? { discarded: 0, left: memory[1] === 1 } : undefined
    }
    if (end === HEADER) return
    const values: unknown[] = []
    this.reading = true
    try {
      this.reader.read(source, end, values)
    } finally {
      this.reading = false
      this.received += values.length
      if (this.values.length === 0) this.values = values
      else for (const value of values) this.values.push(value)
    }
  }

  /** Gives the end up; what is in the duct is gone. */
  part(): void {
    part(this.duct, End.Receiver)
  }
}
