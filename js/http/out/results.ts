// Results as they come, as many at once as are there: of a live stream in batches, of anything else one by one.

import type { Source, Stream, ValueIterator } from '../../index.js'
import { type Encoded, Unwritable } from '../../kit/bytes/byte-budget.js'
import { BATCH, inBatches } from '../../kit/iteration/batches.js'
import type { Encoder } from './encoder.js'

export interface ResultReader {
  /** The next results as they are written, or none at the end. Rejects with what ended them. */
  take(): Promise<Encoded[]>
  /** No more are wanted: the source is closed. Never rejects. */
  leave(): Promise<void>
}

/** At most so many results become one write. */
export const BATCH_SIZE = 256

/** Of a stream, whose budget encodes them. */
export function resultsOfStream(stream: Stream<never, unknown>, most = BATCH_SIZE): ResultReader {
  return {
    take: () => stream.recvBatch(most) as Promise<Encoded[]>,
    leave: () => stream.close().catch(() => {}),
  }
}

/** The results of a feed. */
export function resultsOfFeed(feed: ValueIterator<unknown>, most = BATCH_SIZE): ResultReader {
  if (!inBatches(feed)) return resultsOf(feed)
  return {
    take: () => feed[BATCH](most) as Promise<Encoded[]>,
    leave: async () => void (await feed.return?.().catch(() => {})),
  }
}

/** Of a source that nobody has encoded yet, or of a stream that is fed. */
export function resultsOf(source: Source<unknown>, encoder?: Encoder): ResultReader {
  const iterator = iteratorOf(source)
  let left = false
  return {
    async take() {
      if (left) return []
      const { done, value } = await iterator.next()
      if (done === true) return []
      return [encoder === undefined ? (value as Encoded) : encoded(await value, encoder)]
    },
    async leave() {
      left = true
      try {
        await iterator.return?.()
      } catch {
        // Nobody waits for its results any more.
      }
    },
  }
}

function iteratorOf(source: Source<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : (source as Iterable<unknown>)[Symbol.iterator]()
}

function encoded(value: unknown, encoder: Encoder): Encoded {
  try {
    return encoder.encode(value)
  } catch (error) {
    return new Unwritable(error)
  }
}
