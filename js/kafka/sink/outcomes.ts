// What becomes of a request that failed: whether asking again may help, and no wait without an end.

import { AdapterError } from '../../index.js'
import { silence } from '../../kit/promises.js'
import { messageOf } from '../client/faults.js'

/** What the client wraps, however often. */
function rootOf(error: unknown): unknown {
  let root = error
  for (let depth = 0; depth < 8; depth++) {
    const cause = root instanceof Error ? root.cause : undefined
    if (!(cause instanceof Error)) break
    root = cause
  }
  return root
}

/** What the client says in place of a connection that was lost, as if no repeat could help. */
const AWAY = ['KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout']

/** The client gave up what may still succeed: the broker is away, another one leads by now. Nobody knows what was stored. */
export function isPassing(error: unknown): boolean {
  const root = rootOf(error) as { name?: unknown; retriable?: unknown } | null | undefined
  return root?.retriable === true || AWAY.includes(root?.name as string)
}

/** The error of this class, where the client wrapped one. */
export function within<E extends Error>(error: unknown, kind: new (message?: string) => E): E | undefined {
  const root = rootOf(error)
  return root instanceof kind ? root : undefined
}

export function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A moment after which nothing is waited for, and what was wanted until then. */
export class Deadline {
  readonly #at: number
  readonly #ms: number
  readonly #lost: AbortSignal | undefined
  /** What the last try failed with. */
  failure: unknown

  /** `lost`: nothing is tried again from then on; what is under way is waited for. */
  constructor(ms: number, lost?: AbortSignal) {
    this.#ms = ms
    this.#at = performance.now() + ms
    this.#lost = lost
  }

  get isOver(): boolean {
    return this.#lost?.aborted === true || performance.now() >= this.#at
  }

  /** Settles as the promise does, or rejects when time is up: a client may never answer. */
  async bound<T>(promise: Promise<T>, what: string): Promise<T> {
    silence(promise)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.late(what)), Math.max(0, this.#at - performance.now()))
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks until there is an answer, or an error that no repeat mends. */
  ask<T>(request: () => Promise<T>, what: string): Promise<T> {
    return this.bound(insist(request, what, this), what)
  }

  late(what: string, cause: unknown = this.failure): AdapterError {
    const why = cause === undefined ? '' : ` (${messageOf(cause)})`
    return new AdapterError('VELO_ADAPTER', `kafka: ${what}: no answer within ${this.#ms} ms${why}`, { adapter: 'kafka', cause })
  }
}

/** ms that are waited for what is only tidy. */
const TIDY = 2000

/** Ends what may hang or fail, which is nobody's concern any more. */
export async function tidy(end: () => Promise<unknown>): Promise<void> {
  const work = async (): Promise<unknown> => end()
  await new Deadline(TIDY).bound(work(), 'the end').catch(() => {})
}

/** ms before something is asked again. */
const PAUSE = 50

/** As `Deadline.ask`, where somebody else bounds it. */
export async function insist<T>(ask: () => Promise<T>, what: string, deadline: Deadline): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error)) throw error
      deadline.failure = error
      if (deadline.isOver) throw deadline.late(what, error)
    }
    await afterMs(PAUSE)
  }
}
