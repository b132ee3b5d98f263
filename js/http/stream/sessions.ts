// The streams that serve requests of this process, by their ids: for those who stop one, and for clients that come back.

import type { Stream } from '../../index.js'
import { text } from '../../kit/check.js'
import { HttpError } from '../errors.js'
import type { ResponseSink } from '../out/sink.js'

export interface Session {
  readonly stream: Stream<never, unknown>
  /** Who asks for it must ask for the same function. */
  readonly fn: object
  /** And as the same owner. */
  readonly owner?: string | undefined
  /** Another connection of its client takes over, which has everything up to `seen`; absent where nothing is kept for it. */
  readonly attach?: (sink: ResponseSink, seen: number) => Promise<void>
}

/** By id: streams of different functions may have the same one. */
const sessions = new Map<string, Set<Session>>()

export function enter(session: Session): void {
  const { id } = session.stream
  const others = sessions.get(id)
  if (others === undefined) sessions.set(id, new Set([session]))
  else others.add(session)
}

export function leave(session: Session): void {
  const { id } = session.stream
  const others = sessions.get(id)
  if (others?.delete(session) === true && others.size === 0) sessions.delete(id)
}

/** By their id, or by that id as clients show it. */
function sessionsOf(id: string): Session[] {
  const found = sessions.get(id)
  if (found !== undefined || !id.includes('%')) return [...(found ?? [])]
  try {
    return [...(sessions.get(decodeURIComponent(id)) ?? [])]
  } catch {
    return [] // not one that was written here
  }
}

/** The stream of a function. */
export function sessionOf(id: string, fn: object): Session | undefined {
  return sessionsOf(id).find((session) => session.fn === fn)
}

/** The id of a stream as it goes to clients: one that holds the name of a function may be no header. */
export function shownId({ id }: { readonly id: string }): string {
  if (/^[\w.-]+$/.test(id)) return id
  // Half a character is none, and would throw.
  return encodeURIComponent(Buffer.from(id).toString())
}

/** The response header that names a stream. */
export function idHeader(stream: { readonly id: string }): Readonly<Record<string, string>> {
  return { 'velo-stream': shownId(stream) }
}

/**
 * Stops the stream of this id, which serves a request (or waits for its client to come back): it is aborted, its client is told, and nobody can resume it. The id is
 * `ctx.id` of the function (those of all functions, if several have it), or the header `velo-stream` of the response, which is the same percent-encoded. Whoever may call it is for you to decide.
 *
 * Returns false if no such stream is served.
 *
 * @throws VeloError `VELO_CONFIG` if `id` is not a string, or empty.
 */
export function stop(id: string): boolean {
  text(id, 'stop(id)')
  const found = sessionsOf(id)
  for (const session of found) {
    leave(session)
    session.stream.abort(new HttpError(410, 'the stream was stopped', undefined, 'VELO_ABORTED'))
  }
  return found.length > 0
}
