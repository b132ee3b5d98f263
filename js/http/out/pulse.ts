// What a response of server-sent events says while there is no result: its head, soon, so that the browser knows that it is connected; then a comment after each
// silence; and that the server is about to stop.

import type { Answer } from '../options.js'
import type { Encoder } from './encoder.js'
import { onNotice } from './notice.js'
import type { ResponseSink } from './sink.js'
import { COMMENT, DRAINING, SseEncoder } from './sse-out.js'

export class Pulse {
  readonly #sink: ResponseSink
  readonly #answer: Answer
  readonly #forget: () => void
  #prelude: string | undefined
  #timer: NodeJS.Timeout | undefined
  #begun = false
  /** The response waits for room: it is not silent, and nothing is added. */
  #full = false

  /** The pulse of this response, if it has one. */
  static of(sink: ResponseSink, encoder: Encoder, answer: Answer): Pulse | undefined {
    return encoder instanceof SseEncoder ? new Pulse(sink, encoder.prelude, answer) : undefined
  }

  private constructor(sink: ResponseSink, prelude: string | undefined, answer: Answer) {
    this.#sink = sink
    this.#prelude = prelude
    this.#answer = answer
    this.#timer = setTimeout(this.#beat, answer.headDelay)
    this.#forget = onNotice(answer.draining, () => void this.write(DRAINING))
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    let room: Promise<void> | undefined
    if (this.#begun) room = this.#sink.write(chunk)
    else if (typeof chunk === 'string') room = this.#sink.write(this.#begin() + chunk)
    else {
      void this.#sink.write(this.#begin())
      room = this.#sink.write(chunk)
    }
    this.#timer?.refresh()
    if (room === undefined) return undefined
    this.#full = true
    return room.then(() => {
      this.#full = false
    })
  }

  /** The response ends; answers the prelude, if it has not been written. */
  stop(): string | undefined {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#forget()
    return this.#prelude
  }

  /** From now on the clock is that of the comments. */
  #begin(): string {
    this.#begun = true
    clearTimeout(this.#timer)
    const { heartbeat } = this.#answer
    this.#timer = heartbeat > 0 && !this.#sink.isGone ? setTimeout(this.#beat, heartbeat) : undefined
    const prelude = this.#prelude ?? ''
    this.#prelude = undefined
    return prelude
  }

  #beat = (): void => {
    if (this.#full) this.#timer?.refresh()
    else void this.write(COMMENT)
  }
}
