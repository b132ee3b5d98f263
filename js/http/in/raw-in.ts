// Raw bytes in: chunks as they come, cut where they are longer than an event may be.

import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'

/** Bytes that a Buffer takes beside its content. */
const BUFFER = 128

export class RawDecoder implements Decoder {
  readonly failure = undefined
  readonly #max: number

  constructor({ maxEvent }: Intake) {
    this.#max = maxEvent
  }

  sizeOf({ length }: Buffer): number {
    return length + BUFFER * Math.ceil(length / this.#max)
  }

  push(chunk: Buffer): Buffer[] {
    if (chunk.length <= this.#max) return [chunk]
    const events: Buffer[] = []
    for (let start = 0; start < chunk.length; start += this.#max) events.push(chunk.subarray(start, start + this.#max))
    return events
  }

  end(): Buffer[] {
    return []
  }
}
