// js/client/events: the results of a request as server-sent events, over one response or several. Knows nothing of WebSockets.
//
// Text into server-sent events, as the HTML standard reads them, wherever the chunks were cut. Keeps no more than one event and one line.

import { VeloError } from '../../kit/errors.js'

/** One event, or an empty block that only sets the id. */
export interface SseBlock {
  /** The latest id so far. */
  readonly id: string
  readonly event: string
  /** `undefined` where the block had no data. */
  readonly data: string | undefined
}

export class SseParser {
  readonly #most: number
  readonly #ends = /\r\n|[\r\n]/g
  /** The unfinished line, in the parts it came in. */
  #parts: string[] = []
  #name = ''
  #data: string[] = []
  #hasId = false
  /** Characters of the unfinished line and event. */
  #size = 0
  #afterReturn = false
  #id: string
  /** The server asks for this wait before a reconnection, ms. */
  retry = 0

  constructor(most: number, id: string) {
    this.#most = most
    this.#id = id
  }

  /** Throws `VELO_CODEC` for an event that is too large. */
  *push(chunk: string): Generator<SseBlock> {
    if (chunk === '') return
    // The second half of a line end that was cut in two.
    const text = this.#afterReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk
    this.#afterReturn = text.endsWith('\r')
    let at = 0
    this.#ends.lastIndex = 0
    for (let found = this.#ends.exec(text); found !== null; found = this.#ends.exec(text)) {
      this.#grow(found.index - at)
      const line = this.#parts.join('') + text.slice(at, found.index)
      this.#parts = []
      at = found.index + found[0].length
      const { lastIndex } = this.#ends
      const block = line === '' ? this.#block() : this.#field(line)
      if (block !== undefined) yield block
      this.#ends.lastIndex = lastIndex
    }
    if (at === text.length) return
    this.#grow(text.length - at)
    this.#parts.push(text.slice(at))
  }

  #grow(length: number): void {
    this.#size += length
    if (this.#size * 2 > this.#most)
      throw new VeloError('VELO_CODEC', `an event is larger than ${this.#most} bytes (subscribe(options).maxBufferedBytes)`)
  }

  #block(): SseBlock | undefined {
    const data = this.#data.length === 0 ? undefined : this.#data.join('\n')
    const isOne = data !== undefined || this.#hasId
    const event = this.#name || 'message'
    this.#name = ''
    this.#data = []
    this.#hasId = false
    this.#size = 0
    return isOne ? { id: this.#id, event, data } : undefined
  }

  #field(line: string): undefined {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#name = value
    else if (name === 'id' && !value.includes('\0')) {
      this.#id = value
      this.#hasId = true
    } else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value)
    // A line that leaves nothing, such as a comment, is no part of an event.
    if (name !== 'data') this.#size -= line.length
  }
}
