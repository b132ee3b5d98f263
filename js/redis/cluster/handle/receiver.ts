// Results of a session on their way to its reader, in a process that opened it: by news where those come in order, else read from the server. At most `buffer` wait here.

import { type Message, News } from '../messages.js'

export interface ReceiverOwner {
  /** How many more may come. */
  readonly room: number
  give(records: readonly Buffer[]): void
  /** All results came, and this is how it ended. */
  over(end: Buffer): void
  /** They are read no more. */
  fail(error: unknown): void
  readFrom(from: number, count: number): Promise<Page>
}

export interface Page {
  readonly records: readonly Buffer[]
  /** Index of the next result to come. */
  readonly next: number
  /** Where it is over. */
  readonly end: Buffer | undefined
  /** Nobody opened it after us. */
  readonly isOurs: boolean
}

export class Receiver {
  /** Index of the next result to come here. */
  next = 0
  readonly #owner: ReceiverOwner
  #looking: Promise<void> | undefined
  #mustLook = false
  #isOpen = false
  #isClosed = false

  constructor(owner: ReceiverOwner) {
    this.#owner = owner
  }

  /** Where it begins is known. */
  open(next: number): void {
    this.next = next
    this.#isOpen = true
    this.look()
  }

  hear({ from, news, records }: Message): void {
    if (!this.#isOpen) return
    const isNext = from <= this.next && news === News.Records && this.#looking === undefined && !this.#mustLook
    const fresh = records.slice(Math.max(0, this.next - from))
    if (!isNext || fresh.length > this.#owner.room) return this.look()
    this.#give(fresh)
  }

  /** Asks the server for what is there, as soon as there is room. */
  look(): void {
    this.#mustLook = true
    this.readOn()
  }

  /** There is room again. */
  readOn(): void {
    if (!this.#mustLook || this.#looking !== undefined || !this.#isOpen || this.#isClosed || this.#owner.room === 0) return
    this.#looking = this.#read()
      .catch((error) => {
        this.#isClosed = true
        this.#owner.fail(error)
      })
      .finally(() => {
        this.#looking = undefined
        this.readOn()
      })
  }

  close(): void {
    this.#isClosed = true
  }

  async #read(): Promise<void> {
    while (this.#mustLook && !this.#isClosed && this.#owner.room > 0) {
      this.#mustLook = false
      const { records, next, end } = await this.#owner.readFrom(this.next, this.#owner.room)
      if (this.#isClosed) return
      this.#give(records)
      if (this.next < next) this.#mustLook = true
      else if (end !== undefined) {
        this.#isClosed = true
        this.#owner.over(end)
      }
    }
  }

  #give(records: readonly Buffer[]): void {
    if (records.length === 0 || this.#isClosed) return
    this.next += records.length
    this.#owner.give(records)
  }
}
