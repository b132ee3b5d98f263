// The numbers of one stream, read from its row and, while it is open, from Rust.

import type { StreamMetrics } from '../../kit/types.js'
import { Word } from './law.js'
import { native } from './native.js'

/** `slot` is -1 once the stream is over: then Rust has left the latencies in the row. */
export function readMetrics(page: ArrayLike<number>, at: number, slot: number, thread: number): StreamMetrics {
  const now = slot < 0 ? undefined : native.streamMetrics(slot)
  const word = (offset: number): number => page[at + offset]
  return {
    eventsIn: word(Word.Accepted),
    eventsOut: word(Word.Yielded),
    dropped: { events: word(Word.DroppedEvents), results: word(Word.DroppedResults) },
    latency: {
      p50: now?.p50 ?? word(Word.P50),
      p95: now?.p95 ?? word(Word.P95),
      p99: now?.p99 ?? word(Word.P99),
      samples: now?.samples ?? word(Word.Samples),
    },
    // At the end they lie in the words of a wait that is over.
    processing: {
      p50: now?.processing.p50 ?? word(Word.Waiting),
      p95: now?.processing.p95 ?? word(Word.WaitingSince),
      p99: now?.processing.p99 ?? word(Word.UnreadSince),
    },
    durationMs: now?.durationMs ?? word(Word.Duration),
    thread,
  }
}
