// Where a subscription is in its stream: the last id, whether the server goes on behind it, and that nothing is missing and nothing comes twice.

import { closed } from '../ends/end.js'
import type { SseBlock } from './sse.js'

/** The ids of a server of velo-stream that resumes: of the stream, and of the result. */
const NUMBERED = /^(.+):(\d{1,15})$/

export class Place {
  /** Of the last event; empty before there is one. */
  id: string
  /** Results that came, over all responses. */
  got = 0
  /** The server numbers results and keeps them. */
  #isNumbered = false
  #isFirst = true

  constructor(id: string) {
    this.id = id
  }

  /** What the server calls the stream, where its ids tell it. */
  get stream(): string | undefined {
    return this.#isNumbered ? NUMBERED.exec(this.id)?.[1] : undefined
  }

  /** Another response begins. */
  begin(): void {
    this.#isFirst = true
  }

  /** Whether another request would lose nothing and do nothing twice. `isSafe`: one that only reads. */
  mayAsk(isSafe: boolean): boolean {
    return this.#isNumbered || (isSafe && (this.id !== '' || this.got === 0))
  }

  /** Takes the next block; answers whether it is an event. Throws `VELO_CLOSED` where it does not follow on the last one. */
  take({ id, data, event }: SseBlock): boolean {
    if (this.#isFirst) {
      this.#isFirst = false
      if (this.#begins(id, data)) return false
    }
    if (data === undefined) {
      this.id = id
      return false
    }
    if (this.#isNumbered) {
      // A notice of the server; results have ids of their own.
      if (id === this.id) return false
      this.#follows(id)
    }
    this.id = id
    if (event === 'draining' && data === '') return false
    this.got++
    return true
  }

  /** A server that resumes says first where it goes on. */
  #begins(id: string, data: string | undefined): boolean {
    const says = data === undefined && NUMBERED.test(id)
    if (says ? NUMBERED.test(this.id) && id !== this.id : this.#isNumbered) throw closed('the server has begun another stream')
    if (!says) return false
    this.#isNumbered = true
    this.id = id
    return true
  }

  #follows(id: string): void {
    const [, stream, number] = NUMBERED.exec(id) ?? []
    const [, before, last] = NUMBERED.exec(this.id) ?? []
    if (stream !== before || Number(number) !== Number(last) + 1) throw closed(`results are missing between ${this.id} and ${id}`)
  }
}
