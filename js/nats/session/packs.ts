// Events in messages, several in each, and what this process knows of where they are.

import type { EventRecord } from '../../durable/journal.js'
import { Reader, Writer } from '../../durable/kept/bytes.js'
import { WEIGHT } from '../../durable/kept/kept-stream.js'

/** The head of such a message. */
export interface PackHead {
  /** Of which life of the id. */
  readonly l: string
  /** Index of the first event, and how many. */
  readonly f: number
  readonly c: number
  /** Bytes of events that are kept, with these. */
  readonly b: number
  /** Where the bytes are, when they are not here: sequences. */
  readonly p?: readonly number[]
}

/** Before the bytes of an event: whether the input ended there, when it was accepted, and how many bytes there are. */
const HEAD = 13

export const weightOf = ({ bytes }: EventRecord): number => bytes.length + WEIGHT

export function writeEvents(records: readonly EventRecord[]): Buffer {
  const writer = new Writer()
  for (const { at, end, bytes } of records) {
    writer
      .raw(Uint8Array.of(end ? 1 : 0))
      .number(at)
      .blob(bytes)
  }
  return writer.bytes()
}

export function readEvents(body: Uint8Array, count: number): EventRecord[] {
  const reader = new Reader(body)
  return Array.from({ length: count }, () => ({ end: reader.raw(1)[0] === 1, at: reader.number(), bytes: reader.blob() }))
}

/** As many as go into one message, at least one. */
export function* lots(records: readonly EventRecord[], room: number): Generator<readonly EventRecord[]> {
  for (let at = 0; at < records.length; ) {
    let to = at
    for (let bytes = 0; to < records.length; to++) {
      bytes += (records[to] as EventRecord).bytes.length + HEAD
      if (to > at && bytes > room) break
    }
    yield records.slice(at, to)
    at = to
  }
}

interface Pack {
  readonly from: number
  readonly seq: number
  readonly weights: readonly number[]
}

/** Messages that were read or written here, by the index of their first event. */
export class Packs {
  #known: Pack[] = []
  /** The last message of which all events are dropped. */
  dead = 0
  /** How many were dropped since `dead` was looked at. */
  dropped = 0

  add(from: number, seq: number, records: readonly EventRecord[]): void {
    let at = this.#known.length
    while (at > 0 && (this.#known[at - 1] as Pack).from > from) at--
    if (this.#known[at - 1]?.from === from) return
    this.#known.splice(at, 0, { from, seq, weights: records.map(weightOf) })
  }

  /** The sequence from which on an event is found. */
  seqOf(index: number): number {
    let seq = this.dead + 1
    for (const pack of this.#known) {
      if (pack.from > index) break
      seq = pack.seq
    }
    return seq
  }

  /** Of events from one index to another; `undefined` where some are not known. */
  weigh(from: number, to: number): number | undefined {
    let [at, sum] = [from, 0]
    for (const pack of this.#known) {
      for (; at < to && at >= pack.from && at < pack.from + pack.weights.length; at++) sum += pack.weights[at - pack.from] as number
    }
    return at >= to ? sum : undefined
  }

  /** Events below this index are needed no more. */
  drop(below: number): void {
    let count = 0
    for (const { from, weights, seq } of this.#known) {
      if (from + weights.length > below) break
      this.dead = Math.max(this.dead, seq)
      count++
    }
    this.#known.splice(0, count)
    this.dropped += count
  }

  forget(): void {
    this.#known = []
  }
}
