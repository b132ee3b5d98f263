// How far the reader of a session has come, as the server is told: not for each result, and not so late that the host has to wait for room.

import { silence } from '../../../kit/promises.js'

/** ms until it is told. */
const BY_AND_BY = 20

export class Taken {
  /** Results below it were taken. */
  #upTo = 0
  #told = 0
  #isTelling = false
  #timer: NodeJS.Timeout | undefined
  readonly #buffer: number
  readonly #say: (results: number) => Promise<void>

  /** It is told at once where `buffer` results were not. */
  constructor(buffer: number, say: (results: number) => Promise<void>) {
    this.#buffer = buffer
    this.#say = say
  }

  /** Results that were taken. */
  get count(): number {
    return this.#upTo
  }

  /** The server knows of so many. */
  begin(results: number): void {
    this.#upTo = this.#told = results
  }

  add(results: number): void {
    if (results <= this.#upTo) return
    this.#upTo = results
    if (results - this.#told >= this.#buffer && !this.#isTelling) void silence(this.tell())
    else this.#timer ??= setTimeout(() => silence(this.tell()), BY_AND_BY)
  }

  /** Settles when the server knows. */
  async tell(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isTelling = true
    this.#told = this.#upTo
    await this.#say(this.#upTo).finally(() => {
      this.#isTelling = false
    })
  }
}
