// Why a session that this process has open takes or gives nothing.

import { ClosedError } from '../../../kit/errors.js'
import type { StreamEnd } from '../../../kit/types.js'

/** Its events, or reads, come too late. */
export function closed(id: string, end: StreamEnd | undefined, accepted?: number): ClosedError {
  const { reason, error } = end ?? { reason: 'closed' as const, error: undefined }
  const options = { streamId: id, reason, ...(error !== undefined && { cause: error }), ...(accepted !== undefined && { accepted }) }
  return new ClosedError('VELO_CLOSED', `session ${id}: it is ${reason}`, options)
}

export function inputEnded(id: string, accepted?: number): ClosedError {
  return new ClosedError('VELO_ENDED', `session ${id}: its input has ended`, {
    streamId: id,
    ...(accepted !== undefined && { accepted }),
  })
}

/** Whoever sends now is another. */
export function movedOn(id: string): ClosedError {
  return new ClosedError('VELO_CLOSED', `session ${id}: it was opened elsewhere, which sends now`, { streamId: id, reason: 'moved' })
}
