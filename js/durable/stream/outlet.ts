// Results on their way to the reader of a durable stream: records become values, each has its index, and asking for the next one says that those before were delivered.

import type { Output } from '../../engine/channels/output.js'
import type { ReadOptions } from '../../engine/channels/reader.js'
import { DONE_VOID } from '../../kit/promises.js'
import type { Codec } from '../../kit/types.js'
import { decodeRecord } from '../../workers/codec/late-record.js'

export interface OutletOwner {
  readonly codec: Codec
  /** Where records come from. */
  readonly records: Output<unknown>
  /** All results below `index` were delivered. */
  delivered(index: number): void
  /** A read met the end, or was told what the function threw. */
  readToTheEnd(): void
  /** What a reader is told in place of an error. */
  why(error: unknown): unknown
  /** Whether a read that met `error` goes on: settles when the function has been started anew. */
  goesOn(error: unknown): Promise<void> | undefined
}

type End<Out> = IteratorResult<Out, undefined>

export class Outlet {
  /** Index of the next result that a reader gets. */
  handed = 0
  private readonly owner: OutletOwner
  /** Results are given as an add-on has encoded them. */
  private readonly isEncoded: boolean
  /** Results below it have arrived, as the add-on says; undefined where asking for the next one says so. */
  private confirmed: number | undefined
  private isReadOut = false

  constructor(owner: OutletOwner, pulling: { readonly confirms: boolean } | undefined) {
    this.owner = owner
    this.isEncoded = pulling !== undefined
    this.confirmed = pulling?.confirms === true ? 0 : undefined
  }

  /** All results below `index` have arrived. */
  confirm(index: number): void {
    this.confirmed = Math.max(this.confirmed ?? 0, index)
    this.owner.delivered(this.delivered)
    if (this.isReadOut) this.wasRead()
  }

  /** Nobody will ask for another. What has not arrived is not done with. */
  wasRead(): void {
    this.isReadOut = true
    if (this.delivered === this.handed) this.owner.readToTheEnd()
  }

  /** It has ended and is closed. Where an add-on says what has arrived, that alone decides. */
  left(): void {
    if (this.confirmed === undefined) this.owner.readToTheEnd()
  }

  private get delivered(): number {
    return Math.min(this.handed, this.confirmed ?? this.handed)
  }

  get isOwned(): boolean {
    return this.owner.records.isOwned
  }

  get reading(): boolean {
    return this.owner.records.reading
  }

  get soleReader(): object | null {
    return this.owner.records.soleReader
  }

  set soleReader(reader: object | null) {
    this.owner.records.soleReader = reader
  }

  recv(options: ReadOptions | undefined): Promise<unknown> {
    return this.read(
      (output) => output.recv(options),
      (record) => this.value(record),
    )
  }

  recvBatch(max: number): Promise<unknown[]> {
    return this.read(
      (output) => output.recvBatch(max),
      (records) => {
        if (records.length === 0) this.wasRead()
        return records.map((record) => this.value(record))
      },
    )
  }

  next(): Promise<End<unknown>> {
    return this.read(
      (output) => output.next(),
      (result) => {
        if (result.done !== true) return { value: this.value(result.value), done: false }
        this.wasRead()
        return result
      },
    )
  }

  private read<Got, Given>(ask: (output: Output<unknown>) => Promise<Got>, give: (got: Got) => Given): Promise<Given> {
    this.owner.delivered(this.delivered)
    const { records } = this.owner
    return ask(records).then(give, (error) => {
      // A life may hear late that its thread was lost: another one has its place by then.
      const again = records === this.owner.records ? this.owner.goesOn(error) : DONE_VOID
      if (again !== undefined) return again.then(() => this.read(ask, give))
      if (this.owner.records.isOver) this.wasRead()
      throw this.owner.why(error)
    })
  }

  private value(record: unknown): unknown {
    const value = this.isEncoded ? record : decodeRecord(record as Uint8Array, this.owner.codec)
    this.handed++
    return value
  }
}
