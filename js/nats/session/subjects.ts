// Names of what is in the server. Names and ids are hashed, because a subject is short and knows no spaces; what they were stands in the messages.

import { createHash } from 'node:crypto'
import type { StreamKey } from '../../durable/journal.js'
import { VeloError } from '../../kit/errors.js'

/** The longest name and id together, in bytes: they stand in every message of the log. */
const MOST = 16_384

export interface Subjects {
  /** Everything of it. */
  readonly all: string
  /** What was committed, and who may write: whoever knows the last sequence of this subject. */
  readonly log: string
  /** What of a commit is too large for one message. */
  readonly logParts: string
  /** Results delivered, where nothing else was to be said. */
  readonly delivered: string
  /** Events, several in a message, and what of one is too large for it. */
  readonly events: string
  readonly eventParts: string
  readonly allEvents: string
}

/** Throws `VELO_CHECKPOINT` for an id that cannot be one. */
export function subjectsOf(prefix: string, key: StreamKey): Subjects {
  for (const part of [key.function, key.id])
    if (!(part as unknown as { isWellFormed(): boolean }).isWellFormed()) throw refusal(key, 'names and ids must be well-formed Unicode')
  if (Buffer.byteLength(key.function) + Buffer.byteLength(key.id) > MOST)
    throw refusal(key, `names and ids may have at most ${MOST} bytes together`)
  return subjectsAt(`${prefix}.${hashOf(key.function)}.${hashOf(key.id)}`)
}

/** Those of the stream whose log this is. */
export function subjectsOfLog(log: string): Subjects {
  return subjectsAt(log.slice(0, -2))
}

/** The logs of all streams of a function. */
export function logsOf(prefix: string, functionName: string): string {
  return `${prefix}.${hashOf(functionName)}.*.c`
}

/** `cause`: the error of the client, after which the same may succeed later. */
export function refusal(key: StreamKey, why: string, cause?: unknown): VeloError {
  const message = `${key.function} ${JSON.stringify(key.id)}: ${why}`
  return new VeloError('VELO_CHECKPOINT', message, { streamId: key.id, ...(cause !== undefined && { cause, retryable: true }) })
}

function subjectsAt(root: string): Subjects {
  return {
    all: `${root}.>`,
    log: `${root}.c`,
    logParts: `${root}.x`,
    delivered: `${root}.d`,
    events: `${root}.e.r`,
    eventParts: `${root}.e.p`,
    allEvents: `${root}.e.>`,
  }
}

/** 132 bits of it: no two meet. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
