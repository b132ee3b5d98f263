// What all ways of reading a body have in common: chunks in, events out, and a failure that comes after the events before it.

import type { HttpError } from '../errors.js'

/** Makes events of chunks. */
export interface Decoder {
  /** The events that this chunk completes. */
  push(chunk: Buffer): unknown[] | Promise<unknown[]>
  /** The events that the end of the body completes. */
  end(): unknown[] | Promise<unknown[]>
  /** What is wrong with what came after the last events; nothing is pushed after it. */
  readonly failure: HttpError | undefined
  /** The body is given up. */
  close?(): void
}
