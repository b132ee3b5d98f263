// What is said over the channels of a session, and by whom it is understood: an index, what kind of news, and what was added, as long as that is small.

import { readRecords } from '../session/records.js'

/** What it says beside the index. */
export const News = {
  /** Records follow. */
  Records: 0,
  /** It is over; records may follow. */
  Over: 1,
  /** There is more, which must be read. */
  More: 2,
  /** Readers have taken results for which there was no room. */
  Room: 3,
  /** It was opened again: the index is the number of whoever did. */
  Moved: 4,
} as const

export interface Message {
  /** Of the first record that was added. */
  readonly from: number
  readonly news: number
  /** Events that its host has taken; of results only. */
  readonly taken: number
  readonly records: readonly Buffer[]
}

/** To the host of a session. */
export function readInput(bytes: Buffer): Message {
  return read(bytes, 9, 0)
}

/** To the readers of a session. */
export function readOutput(bytes: Buffer): Message {
  return read(bytes, 17, bytes.readDoubleBE(9))
}

function read(bytes: Buffer, head: number, taken: number): Message {
  return { from: bytes.readDoubleBE(0), news: bytes[8] as number, taken, records: readRecords(bytes, head) }
}
