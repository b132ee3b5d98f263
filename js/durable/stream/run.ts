// `run(source)` of a durable function: everything the source has, and then all results, which are delivered together.

import { Stream } from '../../api/stream.js'
import { ClosedError } from '../../kit/errors.js'
import type { StreamEnd, ValueIterator } from '../../kit/types.js'
import type { DurableLive } from './durable-live.js'

/** Resolves with all results, those of earlier lives too. Rejects as `feeding` does. */
export async function collect(live: DurableLive, source: unknown): Promise<unknown[]> {
  const results: unknown[] = []
  for await (const result of await feeding(live, source)) results.push(result)
  return results
}

/** The results while the source is sent. A function is asked for its source when it is known where that begins; none is needed where the input has ended. Rejects with `VELO_CLOSED` where the stream had ended, and its results were delivered: `reason` and `cause` tell the outcome. */
export async function feeding(live: DurableLive, source: unknown): Promise<ValueIterator<unknown>> {
  const stream = new Stream<unknown, unknown>(live)
  const from = await live.nextEvent()
  if (live.retained !== undefined) throw ended(live.id, live.retained)
  if (from === undefined) return stream[Symbol.asyncIterator]()
  const { state, onWorkerExit } = live.def.options
  // It begins where the state is, so nothing of it need be kept. A replay goes by the journal, and so does a life that follows in this process.
  if (typeof source === 'function') live.input.isKeptElsewhere = state !== undefined && onWorkerExit !== 'resume'
  try {
    return stream.feed((typeof source === 'function' ? await source(from) : source) as AsyncIterable<unknown>)
  } catch (error) {
    await stream.close()
    throw error
  }
}

function ended(streamId: string, { reason, error }: StreamEnd): ClosedError {
  const message = `stream ${streamId} has ended before (${reason}), and its results were delivered`
  return new ClosedError('VELO_CLOSED', message, { streamId, reason, ...(error !== undefined && { cause: error }) })
}
