// The streams that a client may come back to, by their tokens.

import { awaitReturn, forgetReturn } from '../kit/iteration/returns.js'

/** What is kept here: a `Session`, whose types only its function knows. */
interface Kept {
  readonly token: string | undefined
  readonly fn: unknown
  readonly owner: string | undefined
  /** Nobody comes back. */
  expire(): void
}

const sessions = new Map<string, Kept>()

/** Those that have ended while their clients were away, oldest first: they hold no permit any more, so their number needs a bound of its own. */
const ended = new Set<Kept>()
const MAX_ENDED = 1000

/** The session with this token, if it is one of this function and this owner. */
export function sessionOf(token: string, fn: unknown, owner: string | undefined): Kept | undefined {
  const session = sessions.get(token)
  return session?.fn === fn && session?.owner === owner ? session : undefined
}

export function remember(session: Kept): void {
  if (session.token === undefined) return
  sessions.set(session.token, session)
  awaitReturn(session.token, session.owner)
}

export function forget(session: Kept): void {
  if (session.token !== undefined) {
    sessions.delete(session.token)
    forgetReturn(session.token)
  }
  ended.delete(session)
}

/** Its function has finished and its client is away. */
export function hasEnded(session: Kept): void {
  ended.add(session)
  if (ended.size <= MAX_ENDED) return
  const [oldest] = ended
  oldest?.expire()
}

/** Its client is back. */
export function isBack(session: Kept): void {
  ended.delete(session)
}
