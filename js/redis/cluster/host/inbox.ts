// Events of a session on their way to its function, in the process that hosts it: by news where those come in order, else read from the server.

import type { EventRecord, ReadLimit } from '../../../durable/journal.js'
import { readEvent } from '../../session/records.js'
import { type Message, News } from '../messages.js'

/** Beyond so many events, or bytes, that wait, what comes is not kept but read again later. */
const MOST = { events: 1024, bytes: 4 << 20 }
const NOTHING: readonly EventRecord[] = []

export class Inbox {
  /** Index of the next event to come here. */
  next: number
  /** The input ended: nothing comes behind it. */
  ended = false
  /** Index of the next event that is asked for. */
  #given: number
  #waiting: EventRecord[] = []
  #bytes = 0
  #isClosed = false
  #wake: (() => void) | undefined
  #looking: Promise<void> | undefined
  #mustLook = false
  readonly #readFrom: (from: number) => Promise<readonly Buffer[]>
  readonly #fail: (error: unknown) => void
  readonly #held: () => Promise<void> | undefined

  /** `readFrom` queries the server; none: there is no more. While `held` returns a promise, no event is given. */
  constructor(
    next: number,
    readFrom: (from: number) => Promise<readonly Buffer[]>,
    fail: (error: unknown) => void,
    held: () => Promise<void> | undefined,
  ) {
    this.next = this.#given = next
    this.#readFrom = readFrom
    this.#fail = fail
    this.#held = held
  }

  /** No event is given for now. */
  get isHeld(): boolean {
    return this.#held() !== undefined
  }

  /** Index behind the last event that was given to the function. */
  get given(): number {
    return this.#given
  }

  /** Whether everything that came was asked for. */
  get isDry(): boolean {
    return this.#waiting.length === 0
  }

  hear({ from, news, records }: Message): void {
    if (from > this.next || news === News.More || this.#isFull) return this.look()
    // While the server is asked, what it says comes first.
    if (this.#looking !== undefined) return this.look()
    this.#add(from, records)
  }

  /** Asks the server for what is there. */
  look(): void {
    this.#mustLook = true
    if (this.#looking !== undefined || this.#isClosed || this.#isFull) return
    this.#looking = this.#read().then(
      () => this.#looked(),
      (error) => {
        this.#looked()
        this.#fail(error)
      },
    )
  }

  /** Waits for the first one; none: the input has ended there, or nobody is to get any more. */
  async read(from: number, { events, bytes }: ReadLimit): Promise<readonly EventRecord[]> {
    for (let held = this.#held(); this.#waiting.length === 0 || held !== undefined; held = this.#held()) {
      if (this.ended || this.#isClosed) return NOTHING
      if (this.#mustLook) this.look()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        // Closed while it is held: nobody may be left to let it go on.
        held?.then(resolve)
      })
    }
    if (this.#isClosed) return NOTHING
    if (from !== this.#given) throw new Error(`event ${from} was asked for where ${this.#given} is the next`)
    let count = 0
    for (let size = 0; count < this.#waiting.length && count < events && (count === 0 || size < bytes); count++)
      size += (this.#waiting[count] as EventRecord).bytes.byteLength
    const given = this.#waiting.splice(0, count)
    this.#bytes -= sizeOf(given)
    this.#given += given.length
    const last = given.at(-1)
    if (last?.end === true) {
      this.ended = true
      given.pop()
    }
    if (this.#mustLook) this.look()
    return given
  }

  /** Nobody gets any more. */
  close(): void {
    this.#isClosed = true
    this.#waiting = []
    this.#wake?.()
  }

  get #isFull(): boolean {
    return this.#waiting.length >= MOST.events || this.#bytes >= MOST.bytes
  }

  async #read(): Promise<void> {
    while (this.#mustLook && !this.#isClosed && !this.#isFull) {
      this.#mustLook = false
      const from = this.next
      const records = await this.#readFrom(from)
      if (records.length > 0) this.#mustLook = true
      this.#add(from, records)
    }
  }

  #looked(): void {
    this.#looking = undefined
    if (this.#mustLook) this.look()
  }

  #add(from: number, records: readonly Buffer[]): void {
    for (const bytes of records.slice(Math.max(0, this.next - from))) {
      const record = readEvent(bytes)
      this.#waiting.push(record)
      this.#bytes += record.bytes.byteLength
      this.next++
    }
    if (this.#waiting.length > 0) this.#wake?.()
  }
}

function sizeOf(records: readonly EventRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
}
