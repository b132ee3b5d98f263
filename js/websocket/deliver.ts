// Results from a stream to its client, a few at a time and no faster than they can be sent.

import { AbortError, type Stream, VeloError } from '../index.js'
import type { Encoded } from '../kit/bytes/byte-budget.js'
import { type Verdict, verdictOfAbort } from './codes.js'

/** Results taken from the stream at once; these few may be on the way when a client turns out to be slow. */
const BATCH = 64

/** After so many the event loop has its turn: a function that never waits would keep it from everybody else for as long as its client is quick. */
const BURST = 1024

/** Gives all results to `put`, which answers a promise while there is no room for another. Settles when there are no more, with why, unless the end of the stream says it. Never rejects. */
export async function deliver(
  stream: Stream<never, unknown>,
  put: (result: Encoded) => Promise<unknown> | undefined,
): Promise<Verdict | undefined> {
  let left = BURST
  try {
    for (let results: unknown[] = await stream.recvBatch(BATCH); results.length > 0; results = await stream.recvBatch(BATCH)) {
      left -= results.length
      // The last comes first here, and is let go of as it is written.
      results.reverse()
      while (results.length > 0) {
        const wait = put(results.pop() as Encoded)
        if (wait !== undefined) await wait
      }
      if (left <= 0) {
        left = BURST
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  } catch (error) {
    // Of an abort the client is told at once, not when the function has finished.
    if (error instanceof AbortError && error.streamId === stream.id) return verdictOfAbort(error)
    if (stream.state !== 'closed' && stream.state !== 'closing') stream.abort(error)
    if (error instanceof VeloError && error.code === 'VELO_CODEC') return { code: 1011, reason: 'failed', error }
  }
  return undefined
}
