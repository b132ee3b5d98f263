// Names of what is in the server. Everything of a session has one hash tag, so that one script may touch it, on one node of a cluster.

import type { StreamKey } from '../../durable/journal.js'
import { VeloError } from '../../kit/errors.js'

/** The longest id, in bytes. */
const MOST = 65_536

export interface SessionKeys {
  /** In the order in which scripts take them: what is known of it, its events, results, state, hashes, outcomes. */
  readonly all: readonly string[]
  /** News of its events, and of its results. */
  readonly input: string
  readonly output: string
  /** The same as `all`, of the session as it was when it was given up. */
  readonly dead: readonly string[]
}

/** Of a session of a cluster. Throws `VELO_CHECKPOINT` for an id that cannot be one. */
export function keysOf(prefix: string, key: StreamKey): SessionKeys {
  const tag = `${prefix}:{${tagOf(key)}}`
  const [all, dead] = ['', 'x'].map((kind) => [...'mioshc'].map((name) => `${tag}${kind}${name}`)) as [string[], string[]]
  return { all, dead, input: `${tag}>`, output: `${tag}<` }
}

/** Of a durable stream of a journal: other names than those of a session, since both may have the same prefix, function and id. `before`: where earlier versions stored it. */
export function journalKeysOf(prefix: string, key: StreamKey): { readonly all: readonly string[]; readonly before: readonly string[] } {
  const before = keysOf(prefix, key).all
  return { all: before.map((name) => `${name.slice(0, -1)}j${name.slice(-1)}`), before }
}

/** The streams of a function: a sorted set. */
export function indexOf(prefix: string, functionName: string): string {
  return `${prefix}:{/${escaped(functionName)}}`
}

/** What stands for a session among others. */
export function tagOf(key: StreamKey): string {
  const tag = `${escaped(key.function)}/${escaped(key.id)}`
  if (!isWellFormed(key.function) || !isWellFormed(key.id)) throw refusal(key, 'names and ids must be well-formed Unicode')
  if (Buffer.byteLength(tag) > MOST) throw refusal(key, `names and ids may have at most ${MOST} bytes`)
  return tag
}

/** The session that a tag stands for. */
export function keyOf(tag: string): StreamKey {
  const [name, id] = tag.split('/') as [string, string]
  return { function: plain(name), id: plain(id) }
}

/** `cause`: the error of the client, after which the same may succeed later. */
export function refusal(key: StreamKey, why: string, cause?: unknown): VeloError {
  const message = `${key.function} ${JSON.stringify(key.id)}: ${why}`
  return new VeloError('VELO_CHECKPOINT', message, { streamId: key.id, ...(cause !== undefined && { cause, retryable: true }) })
}

/** A brace would end the hash tag, a slash the name. */
function escaped(text: string): string {
  return text.replace(/[%/{}]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
}

function plain(text: string): string {
  return text.replace(/%(25|2f|7b|7d)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
}

function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed()
}
