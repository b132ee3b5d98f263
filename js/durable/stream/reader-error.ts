// What a reader of a durable stream receives instead of the error of the run of the function that has ended.

import { ClosedError, type Failure } from '../../kit/errors.js'

const LOST = 'VELO_WORKER_EXITED'

/** Whether an error says that the thread of a stream was lost, or follows from that. */
export function isLoss(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  return code === LOST || cause?.code === LOST
}

/** `failure` ends the stream, and made its run fail with `error` or abort. */
export function readerError(error: unknown, failure: Failure, streamId: string): unknown {
  if ((error as { code?: unknown }).code === 'VELO_ABORTED' || isLoss(error)) return failure.error
  if (!(error instanceof ClosedError) || error.cause === undefined) return error
  return new ClosedError('VELO_CLOSED', error.message, { streamId, reason: 'failed', cause: failure.error })
}
