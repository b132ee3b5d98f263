// What all ways of reading a body have in common: chunks in, events out, and a failure that comes after the events before it.

import { HttpError } from '../errors.js'

/** Makes events of chunks. */
export interface Decoder {
  /** The events that this chunk completes. */
  push(chunk: Buffer): unknown[] | Promise<unknown[]>
  /** The events that the end of the body completes. */
  end(): unknown[] | Promise<unknown[]>
  /** About how many bytes of memory what comes of this chunk will take, if that may be more than its length. Called in the order of the chunks. */
  sizeOf?(chunk: Buffer): number
  /** In place of `sizeOf`, if nobody needs to know. */
  skipSize?(): void
  /** What is wrong with what came after the last events; nothing is pushed after it. */
  readonly failure: HttpError | undefined
  /** The body is given up. */
  close?(): void
}

/** What is wrong with a line of more bytes than `max`. */
export function overlong(max: number): HttpError {
  return new HttpError(413, `a line is longer than ${max} bytes (maxLine)`)
}
