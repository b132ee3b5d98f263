// Raw bytes in: chunks as they come, cut where they are longer than an event may be.

import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'

export class RawDecoder implements Decoder {
  readonly failure = undefined
  readonly #max: number

  constructor({ maxEvent }: Intake) {
    this.#max = maxEvent
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
