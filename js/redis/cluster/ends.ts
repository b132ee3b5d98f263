// How sessions end, as those hear of it who open them.

import { type KeptEnd, readEnd, writeEnd } from '../../durable/stream/commits/end.js'
import { VeloError } from '../../kit/errors.js'

/** What is not known here of an end. */
export const ENDED = { dropped: { events: 0, results: 0 }, refused: 0, detached: false }

export function writtenEnd(bytes: Buffer): KeptEnd {
  return readEnd(bytes)
}

/** It was taken over again and again, and no process that took it got anywhere. */
export function poisoned(id: string, takeovers: number, events: number, results: number): Uint8Array {
  const message = `session ${id}: it was taken over ${takeovers} times without a commit; it is given up`
  const error = new VeloError('VELO_CHECKPOINT', message, { streamId: id })
  return writeEnd({ ...ENDED, reason: 'failed', error }, events, results)
}
