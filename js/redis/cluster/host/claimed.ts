// A session as its new host gets it from the server.

import type { Kept, StreamKey } from '../../../durable/journal.js'
import type { StreamHeaders } from '../../../kit/types.js'
import { type Opened, readKept } from '../../session/records.js'

export interface Claimed extends Kept {
  /** What whoever opened it first says. */
  readonly headers: StreamHeaders | undefined
  /** The previous host died, or was too slow, before it gave it back. */
  readonly isTakenOver: boolean
  /** Deaths of its hosts while it executed an event, and whether it was alone at the last one. */
  readonly deaths: number
  readonly diedAlone: boolean
  /** Events that are executed one at a time before it is innocent, and those that an earlier host has finished. */
  readonly suspectUntil: number
  readonly finished: number
}

/** What CLAIM returned behind its first word. */
export function claimed(answer: unknown[], key: StreamKey, token: string): Claimed {
  const headers = String(answer[10])
  return {
    ...readKept(answer as unknown as Opened, key, token),
    headers: headers === '' ? undefined : JSON.parse(headers),
    deaths: answer[9] as number,
    isTakenOver: answer[11] === 1,
    suspectUntil: answer[12] as number,
    finished: answer[13] as number,
    diedAlone: answer[14] === 1,
  }
}
