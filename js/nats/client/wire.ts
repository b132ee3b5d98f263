// js/nats/client: the user's connection, as this room speaks to it. Knows nothing of sources and sinks.
//
// Owns: the shapes of a connection of `@nats-io` (never imported), requests to JetStream and their repetition, inboxes. Not here: what the requests say.

import { randomBytes } from 'node:crypto'
import { configError } from '../../kit/check.js'
import { afterMs, isClosed, isDenied, isNoResponders, Refusal } from './faults.js'

/** What is used of the headers of a message. */
export interface NatsHeadersLike {
  readonly code: number
  readonly description: string
  keys(): string[]
  values(name: string): string[]
}

/** What is used of a message. */
export interface NatsMessageLike {
  readonly subject: string
  readonly data: Uint8Array
  readonly reply?: string
  readonly headers?: NatsHeadersLike
}

/** What is used of a connection, that of `connect()` of `@nats-io/transport-node` or of another transport. */
export interface NatsLike {
  publish(subject: string, payload?: Uint8Array | string, options?: { reply?: string; headers?: object }): void
  subscribe(subject: string, options: { callback(error: Error | null, message: NatsMessageLike): void }): { unsubscribe(): void }
  request(subject: string, payload?: Uint8Array | string, options?: { timeout: number; headers?: object }): Promise<NatsMessageLike>
  flush(): Promise<void>
  status(): AsyncIterable<{ readonly type: string; readonly error?: Error }>
  isClosed(): boolean
}

interface Watcher {
  again(): void
  denied(error: Error): void
}

type Callback = (message: NatsMessageLike, error: Error | null) => void

/** ms that an answer may take before it is asked for again. */
const PATIENCE = 5000
/** ms before a request is sent again, at first and at most. */
const PAUSE = 20
const LONGEST_PAUSE = 1000
/** ms for which nobody may be there who answers: a server that starts. */
const ABSENCE = 10_000
const UTF8 = new TextDecoder()

/** Throws `VELO_CONFIG` for what is no connection. */
export function wireOf(connection: unknown, field: string, domain: string | undefined): Wire {
  const given = connection as Partial<NatsLike> | null | undefined
  const names = ['publish', 'subscribe', 'request', 'flush', 'status', 'isClosed'] as const
  if (typeof given === 'object' && given !== null && names.every((name) => typeof given[name] === 'function'))
    return new Wire(connection as NatsLike, domain)
  throw configError(field, 'a connection of @nats-io/transport-node', connection)
}

export class Wire {
  readonly connection: NatsLike
  readonly #api: string

  constructor(connection: NatsLike, domain: string | undefined) {
    this.connection = connection
    this.#api = domain === undefined ? '$JS.API' : `$JS.${domain}.API`
  }

  get isClosed(): boolean {
    return this.connection.isClosed()
  }

  /** Most bytes of a message, as the server said. */
  get maxPayload(): number {
    const { info } = this.connection as { info?: { max_payload?: unknown } }
    return typeof info?.max_payload === 'number' ? info.max_payload : Number.POSITIVE_INFINITY
  }

  /** That of the server, if the connection knows it. */
  get version(): string | undefined {
    const { info } = this.connection as { info?: { version?: unknown } }
    return typeof info?.version === 'string' ? info.version : undefined
  }

  /** The subject of a request to JetStream. */
  subject(name: string): string {
    return `${this.#api}.${name}`
  }

  /** A subject that nobody else listens to, in the namespace that the connection was given for those. */
  inbox(): string {
    const { options } = this.connection as { options?: { inboxPrefix?: unknown } }
    const prefix = typeof options?.inboxPrefix === 'string' ? options.inboxPrefix : '_INBOX'
    return `${prefix}.${randomBytes(12).toString('hex')}`
  }

  /** Says something that may be lost, as it is when the connection is closed or about to be. */
  tell(subject: string, payload: string, options?: { reply: string }): void {
    try {
      this.connection.publish(subject, payload, options)
    } catch {
      // Whoever waits for an answer gives up by itself.
    }
  }

  /** Calls `callback` with each message to `subject`, or with what is wrong with listening. */
  listen(subject: string, callback: Callback): { unsubscribe(): void } {
    return this.connection.subscribe(subject, { callback: (error, message) => callback(message, error) })
  }

  /** Asks JetStream until it answers, or `isWanted` says no. Rejects with a `Refusal`, or as the client does where it was closed. */
  async ask(name: string, body: object | undefined, isWanted = () => true, timeout = PATIENCE): Promise<Record<string, unknown>> {
    const payload = body === undefined ? '' : JSON.stringify(body)
    const answer = async (): Promise<Record<string, unknown>> => {
      const { data } = await this.request(this.subject(name), payload, { timeout })
      const reply = JSON.parse(UTF8.decode(data)) as Record<string, unknown> & { error?: ConstructorParameters<typeof Refusal>[1] }
      if (reply.error !== undefined) throw new Refusal(name, reply.error)
      return reply
    }
    return this.insist(answer, isWanted)
  }

  /** Whether a stream takes what is published to this subject. */
  async isTaken(subject: string): Promise<boolean> {
    const { streams } = await this.ask('STREAM.NAMES', { subject })
    return Array.isArray(streams) && streams.length > 0
  }

  /** Tries again what may be repeated, until it was answered. */
  async insist<Answer>(send: () => Promise<Answer>, isWanted: () => boolean): Promise<Answer> {
    let absentSince: number | undefined
    for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        return await send()
      } catch (error) {
        if (this.isClosed || isClosed(error) || isDenied(error) || !isWanted()) throw error
        if (error instanceof Refusal && !error.isPassing) throw error
        if (!isNoResponders(error)) absentSince = undefined
        else if (performance.now() - (absentSince ??= performance.now()) > ABSENCE) throw error
        await afterMs(pause)
      }
    }
  }

  /** A request; rejects at once when the connection is cut, for then the answer does not come any more. */
  request(subject: string, payload: Uint8Array | string, options: { timeout: number; headers?: object }): Promise<NatsMessageLike> {
    return new Promise((resolve, reject) => {
      const done = this.watch(
        () => reject(new Error('the connection was cut')),
        (error) => isAbout(error, subject) && reject(error),
      )
      this.connection.request(subject, payload, options).then(resolve, reject).finally(done)
    })
  }

  /** Calls `again` each time the connection is there again after it was cut, and `denied` when something may not be published. Answers what ends that. */
  watch(again: () => void, denied: (error: Error) => void = () => {}): () => void {
    const watcher: Watcher = { again, denied }
    const watchers = watchersOf(this.connection)
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  }
}

/** Whether it is this subject that may not be published to. */
function isAbout(error: Error, subject: string): boolean {
  return (error as { subject?: unknown }).subject === subject
}

/** Who watches a connection. Each has one listener, from the first watcher until it closes: the client keeps a listener that has ended until its next ping. */
const watched = new WeakMap<NatsLike, Set<Watcher>>()

function watchersOf(connection: NatsLike): Set<Watcher> {
  let watchers = watched.get(connection)
  if (watchers !== undefined) return watchers
  watchers = new Set()
  watched.set(connection, watchers)
  listen(connection, watchers).catch(() => undefined)
  return watchers
}

/** Tells every watcher what becomes of the connection, until it is closed. */
async function listen(connection: NatsLike, watchers: Set<Watcher>): Promise<void> {
  try {
    for await (const { type, error } of connection.status()) {
      for (const watcher of [...watchers]) {
        if (type === 'reconnect') watcher.again()
        else if (isDenied(error, 'publish')) watcher.denied(error as Error)
      }
    }
  } finally {
    watched.delete(connection)
    // It was closed: whoever waits looks, and sees that.
    for (const watcher of [...watchers]) watcher.again()
  }
}
