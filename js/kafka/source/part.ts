// A partition as a source: messages wait here as they were read, are given in their order, and what is done of them is an offset.

import { AdapterError, type Part, VeloError } from '../../index.js'
import { inLots, oneByOne } from '../../kit/iteration/batches.js'
import { messageOf } from '../client/faults.js'
import type { RecordLike } from '../client/kafka-like.js'
import { SHARE, type Share } from '../client/share.js'
import { entryOf } from './entry.js'
import type { SourceSettings } from './options.js'

/** So many are committed at once; fewer, after so many ms. */
const MANY = 1000
const GATHER = 20
/** Messages that are made into values at a time: they are done before the next ones are made, so that they die young. */
const STEP = 256
/** Of a message beside its key and value, about, in what the broker sends: waiting messages are counted in the bytes that are asked for. */
const OVERHEAD = 16

export interface PartOwner {
  readonly settings: SourceSettings
  /** Resolves when the group keeps that, or has given the partition away. */
  commit(part: KafkaPart, offset: string): Promise<void>
  /** Puts a message aside; throws `error` where there is no place for it. */
  putAside(part: KafkaPart, record: RecordLike, error: unknown): Promise<void>
  /** It has room for more, or not: from an offset on, where one is given. */
  flow(part: KafkaPart, isOpen: boolean, from?: number): void
  /** Nothing is in work. */
  rests(): void
  over(part: KafkaPart): void
}

/** Messages as they were read, and about how many bytes they take. */
interface Lot {
  readonly records: readonly RecordLike[]
  readonly bytes: number
}

export class KafkaPart<Value = unknown> implements Part<Value> {
  readonly topic: string
  readonly partition: number
  readonly [SHARE]: Share
  /** The offset of the first message that was not done when it was lost, as far as was known here. */
  leftAt = -1
  readonly #owner: PartOwner
  readonly #lost = new AbortController()
  /** Read, and not given. */
  #lots: Lot[] = []
  #bytes = 0
  /** Given, and not done. */
  #given: RecordLike[] = []
  /** The number of the first of them. */
  #first = 0
  /** The first message, the last that was read from the broker, and the one after the last that was given or put aside. */
  #start = -1
  #seen = -1
  #readTo = -1
  /** Messages before it were done by others. */
  #from = 0
  #isOpen = false
  #isClosed = false
  #isHeld = false
  #isPaused = false
  #isReading = false
  #wake: (() => void) | undefined
  #hurry: (() => void) | undefined

  constructor(owner: PartOwner, topic: string, partition: number) {
    this.#owner = owner
    this.topic = topic
    this.partition = partition
    const { groupId } = owner.settings
    this[SHARE] = {
      groupId,
      topic,
      partition,
      offsetAt: (upTo) => String(this.#offsetAt(upTo)),
      startAt: (offset) => {
        this.#from = Number(offset)
      },
      kept: (upTo) => this.#kept(upTo),
      taken: () => {
        this.lose()
        owner.flow(this, false)
      },
    }
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Something was given and is not done, or is about to be given. */
  get isAtWork(): boolean {
    return (this.#given.length > 0 || this.#isReading) && !this.#lost.signal.aborted
  }

  /** Messages that were read from the broker, in order; those that came before, too, are passed over. */
  push(records: readonly RecordLike[]): void {
    if (this.#isClosed) return
    const fresh = Number(records[0]?.offset) > this.#seen ? records : records.filter(({ offset }) => Number(offset) > this.#seen)
    const last = fresh.at(-1)
    if (last === undefined) return
    if (this.#start < 0) this.#start = Number(fresh[0]?.offset)
    this.#seen = Number(last.offset)
    for (let at = 0; at < fresh.length; at += STEP) {
      const records = fresh.slice(at, at + STEP)
      const bytes = sizeOf(records)
      this.#lots.push({ records, bytes })
      this.#bytes += bytes
    }
    this.#flow()
    this.#wakeUp()
  }

  [Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    return oneByOne(() => this.batches())
  }

  batches(): AsyncIterator<readonly Value[], undefined> {
    if (this.#isOpen) throw new VeloError('VELO_LOCKED', 'kafkaSource: this partition is read already')
    this.#isOpen = true
    return inLots(
      () => this.#read(),
      async () => this.#close(),
    )
  }

  async ack(upTo: number): Promise<void> {
    const count = upTo - this.#first
    if (count <= 0) return
    // More of them are done soon, and of other partitions.
    if (count < MANY && !this.#isClosed && !this.#isHeld) await this.#gather()
    await this.#owner.commit(this, String(this.#offsetAt(upTo)))
    this.#lost.signal.throwIfAborted()
    this.#kept(upTo)
  }

  again(event: number): Value {
    return this.#valueOf(this.#given[event - this.#first] as RecordLike)
  }

  async failed(event: number, error: unknown, executions: number): Promise<boolean> {
    if (executions < this.#owner.settings.maxDeliveries) return false
    await this.#owner.putAside(this, this.#given[event - this.#first] as RecordLike, error)
    return true
  }

  /** Called by `consume` when nothing of it is acknowledged any more. */
  end(): void {
    this.#close()
    this.#given = []
    this.#owner.rests()
    this.#owner.over(this)
  }

  /** Gives nothing more for now. */
  hold(): void {
    this.#isHeld = true
    this.#hurry?.()
  }

  goOn(): void {
    this.#isHeld = false
    this.#wakeUp()
  }

  /** Somebody else has it. */
  lose(): void {
    if (this.#lost.signal.aborted) return
    this.leftAt = Number(this.#given[0]?.offset ?? (this.#readTo < 0 ? this.#start : this.#readTo))
    this.#lost.abort(new AdapterError('VELO_ADAPTER', `kafka: ${this.topic}/${this.partition} is somebody else's`, { adapter: 'kafka' }))
    this.#close()
    this.#owner.rests()
  }

  async #read(): Promise<Value[]> {
    for (;;) {
      while (!this.#isClosed && (this.#isHeld || this.#lots.length === 0)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      const lot = this.#isClosed ? undefined : this.#lots.shift()
      if (lot === undefined) return []
      this.#bytes -= lot.bytes
      this.#isReading = true
      try {
        const values = await this.#give(lot.records)
        if (values.length > 0) return values
        // Nothing of it is anybody's work, and nothing after it may ever come.
        if (this.#given.length === 0 && this.#lots.length === 0 && !this.#lost.signal.aborted)
          await this.#owner.commit(this, String(this.#readTo))
      } finally {
        this.#isReading = false
        this.#flow()
        if (this.#given.length === 0) this.#owner.rests()
      }
    }
  }

  async #give(records: readonly RecordLike[]): Promise<Value[]> {
    const values: Value[] = []
    const isPast = this.#from > 0
    for (const record of records) {
      if (isPast && Number(record.offset) < this.#from) continue
      let value: Value
      try {
        value = this.#valueOf(record)
      } catch (cause) {
        const what = `kafka: message ${record.offset} of ${this.topic}/${this.partition} cannot be read: ${messageOf(cause)}`
        await this.#owner.putAside(this, record, new VeloError('VELO_CODEC', what, { cause }))
        continue
      }
      this.#given.push(record)
      values.push(value)
    }
    this.#readTo = Number(records.at(-1)?.offset) + 1
    return values
  }

  /** That of the first message which is not done. */
  #offsetAt(upTo: number): number {
    const next = this.#given[upTo - this.#first]
    return next === undefined ? this.#readTo : Number(next.offset)
  }

  #kept(upTo: number): void {
    this.#given.splice(0, upTo - this.#first)
    this.#first = upTo
    if (this.#given.length === 0) this.#owner.rests()
  }

  #valueOf(record: RecordLike): Value {
    const { codec, entries } = this.#owner.settings
    if (record.value === null && !entries)
      throw new VeloError('VELO_CODEC', 'kafka: a message without a value: only entries: true gives those')
    const value = record.value === null ? null : codec.decode(record.value)
    if (!entries) return value as Value
    return entryOf(this.topic, this.partition, record, value) as Value
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** About as much waits as one request brings. */
  #flow(): void {
    const { maxBytes } = this.#owner.settings
    const isPaused = this.#isPaused ? this.#bytes > maxBytes / 2 : this.#bytes > maxBytes
    if (isPaused === this.#isPaused || this.#isClosed) return
    this.#isPaused = isPaused
    this.#owner.flow(this, !isPaused)
  }

  #close(): void {
    this.#isClosed = true
    this.#lots = []
    this.#bytes = 0
    this.#hurry?.()
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

function sizeOf(records: readonly RecordLike[]): number {
  let bytes = 0
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0) + OVERHEAD
  return bytes
}
