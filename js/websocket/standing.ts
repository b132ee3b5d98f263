// Where a durable stream and its client are when the journal was read.

import type { Stream } from '../index.js'

export interface Standing {
  /** Events that were kept. */
  readonly events: number
  /** Messages that have arrived as the client counts: the end of the input is one as well. */
  readonly received: number
  /** Index of the first result that the stream gives. */
  readonly results: number
  /** The same as the client counts. */
  readonly from: number
}

/** Settles when the journal was read; `undefined` where `isBack`, and there is nothing to come back to. Never rejects: what failed is told by the stream. */
export async function standingOf(stream: Stream<never, unknown>, isBack: boolean): Promise<Standing | undefined> {
  const resumed = await stream.resumed.catch(() => null)
  const { events, results } = stream.position
  // A client that is new to a stream counts from the beginning of its connection.
  if (!isBack) return { events: 0, received: 0, results, from: 0 }
  if (resumed === null && stream.state !== 'closed' && stream.state !== 'closing') return undefined
  return { events: resumed?.events ?? events, received: events, results, from: results }
}
