// js/nats/session: durable streams in a stream of JetStream: where their events, results and state are, and who may write to them. Knows nothing of how they are run.
//
// The stream of JetStream: what is asked of it, and how long. Owns the requests; not what the messages say. Whatever decides who may write is asked of the leader of the stream; what
// is read in pages may come from a replica that is behind, and whoever reads knows how far it must come.

import { randomBytes } from 'node:crypto'
import { afterMs, Refusal } from '../client/faults.js'
import { Headers } from '../client/headers.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'
import { isSame } from './likeness.js'

/** A message that is kept. */
export interface Stored {
  readonly subject: string
  readonly seq: number
  readonly data: Buffer
  /** When the server took it, Unix ms; of pages only. */
  readonly at: number
  /** The value of one of its headers; of pages only. */
  header(name: string): string | undefined
}

/** What must be true when it is stored, and what becomes of it. */
export interface Terms {
  /** The last sequence of this subject; 0: there is none. */
  readonly last: { readonly subject: string; readonly seq: number }
  /** It takes the place of everything before it on its subject. */
  readonly rollup?: boolean
  /** ms after which it is gone. */
  readonly ttl?: number | undefined
}

/** What JetStream calls them. */
const WRONG_LAST = 10_071
const NOT_FOUND = [10_037, 10_057]
const NO_STREAM = 10_059
const EXISTS = 10_058
/** ms that one request may take before it is made again. */
const PATIENCE = 5000
/** ms until a page is read again that a replica could not give yet. */
const BEHIND = 20
const LEAST_TTL = 1000

/** A batch of which something did not arrive: it is sent again. */
const INCOMPLETE = [10_176, 10_205, 10_206, 10_210]

/** What the stream is made with, and must have. */
const NEEDS = { allow_direct: true, allow_rollup_hdrs: true, allow_msg_ttl: true } as const

export interface BoxOptions {
  readonly stream: string
  readonly storage: 'file' | 'memory'
  readonly replicas: number
  readonly timeout: number
  /** What else it is made with. */
  readonly config: Readonly<Record<string, unknown>>
}

/** A message of a batch. */
export interface Batched {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: readonly (readonly [string, string])[]
}

export class Box {
  readonly #wire: Wire
  readonly #options: BoxOptions
  /** Several messages are stored as one, once it is ready. */
  hasBatches = false
  #made: Promise<void> | undefined

  constructor(wire: Wire, options: BoxOptions) {
    this.#wire = wire
    this.#options = options
  }

  /** Bytes that one message may have beside what goes with them. */
  get room(): number {
    return Math.max(1024, Math.min(512 * 1024, Math.floor(this.#wire.maxPayload / 2)))
  }

  /** The stream is there, as it must be. */
  ready(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }

  /** Its sequence; `undefined`: the last sequence is another one, and nothing was stored, unless it was stored before by the same call. */
  async put(subject: string, data: Uint8Array, { last, rollup, ttl }: Terms): Promise<number | undefined> {
    const lines = expecting(subject, last)
    if (rollup === true) lines.push(['Nats-Rollup', 'sub'])
    if (ttl !== undefined) lines.push(['Nats-TTL', lasting(ttl)])
    return this.#fenced(() => this.#send(subject, data, lines))
  }

  /**
   * Stores all of them or none, the last one of which has the fence and takes the place of what its subject had. Without batches: one after the other, each under the fence, and what is sent again
   * is recognized by its id within the duplicate window of the stream. Its sequence, or `undefined` as `put`.
   */
  async commit(messages: readonly Batched[], last: Batched, fence: Terms['last']): Promise<number | undefined> {
    if (!this.hasBatches || messages.length === 0) {
      for (const { subject, data, headers } of messages) {
        const lines = [...headers, ...expecting(subject, fence)]
        if ((await this.#fenced(() => this.#send(subject, data, lines))) === undefined) return undefined
      }
      return this.put(last.subject, last.data, { last: fence, rollup: true })
    }
    return this.#fenced(() => {
      const id = randomBytes(12).toString('base64url')
      const batch = (at: number): [string, string][] => [
        ['Nats-Batch-Id', id],
        ['Nats-Batch-Sequence', String(at)],
      ]
      for (const [at, { subject, data, headers }] of messages.entries()) {
        // Of a batch nothing is sent twice: what has an id would make the whole of it a repeat.
        const lines = headers.filter(([name]) => name !== 'Nats-Msg-Id')
        this.#wire.connection.publish(subject, data, { headers: new Headers([...lines, ...batch(at + 1)]) })
      }
      const end: [string, string][] = [['Nats-Batch-Commit', '1'], ['Nats-Rollup', 'sub'], ...expecting(last.subject, fence)]
      return this.#send(last.subject, last.data, [...last.headers, ...batch(messages.length + 1), ...end])
    })
  }

  /** The last message of a subject, as the leader of the stream knows it. */
  async last(subject: string): Promise<Stored | undefined> {
    return this.#get({ last_by_subj: subject })
  }

  at(seq: number): Promise<Stored | undefined> {
    return this.#get({ seq })
  }

  /** Messages of a subject from a sequence on, at most so many, or so many bytes, in order. */
  async page(subject: string, seq: number, most: { messages: number; bytes: number }): Promise<Stored[]> {
    const { messages: batch, bytes: max_bytes } = most
    return this.#many({ seq: Math.max(1, seq), next_by_subj: subject, batch, max_bytes })
  }

  /** The last message of each of these subjects, as far as there are any. */
  async lasts(subjects: readonly string[]): Promise<Stored[]> {
    return this.#many({ multi_last: subjects, batch: subjects.length })
  }

  /** Subjects that have messages. */
  async subjects(filter: string): Promise<string[]> {
    const found: string[] = []
    for (;;) {
      const { state } = await this.#ask(`STREAM.INFO.${this.#options.stream}`, { subjects_filter: filter, offset: found.length })
      const { subjects } = state as { subjects?: Record<string, number> }
      const names = Object.keys(subjects ?? {})
      found.push(...names)
      if (names.length < 100_000) return found
    }
  }

  /** Removes everything of these subjects up to a sequence. */
  async purge(filter: string, upTo: number): Promise<void> {
    await this.#ask(`STREAM.PURGE.${this.#options.stream}`, { filter, seq: upTo + 1 })
  }

  /** Waits until a replica may know more. */
  behind(): Promise<void> {
    return afterMs(BEHIND)
  }

  async #send(subject: string, data: Uint8Array, lines: readonly (readonly [string, string])[]): Promise<number> {
    const answer = await this.#wire.request(subject, data, { timeout: this.#soon, headers: new Headers(lines) })
    return (readAnswer(subject, answer) as { seq: number }).seq
  }

  async #fenced(send: () => Promise<number>): Promise<number | undefined> {
    const again = async (): Promise<number> => {
      try {
        return await send()
      } catch (error) {
        if (error instanceof Refusal && INCOMPLETE.includes(error.number)) throw new Error('a part of the batch was lost')
        throw error
      }
    }
    try {
      return await this.#insist(again)
    } catch (error) {
      if (error instanceof Refusal && error.number === WRONG_LAST) return undefined
      throw error
    }
  }

  async #get(body: object): Promise<Stored | undefined> {
    try {
      const { message } = await this.#ask(`STREAM.MSG.GET.${this.#options.stream}`, body)
      const { subject, seq, data } = message as { subject: string; seq: number; data?: string }
      return { subject, seq, data: Buffer.from(data ?? '', 'base64'), at: 0, header: () => undefined }
    } catch (error) {
      if (error instanceof Refusal && NOT_FOUND.includes(error.number)) return undefined
      throw error
    }
  }

  #many(body: object): Promise<Stored[]> {
    return this.#insist(
      () =>
        new Promise((resolve, reject) => {
          const found: Stored[] = []
          const inbox = this.#wire.inbox()
          const end = (error?: Error): void => {
            clearTimeout(timer)
            unwatch()
            listening?.unsubscribe()
            if (error === undefined) resolve(found)
            else reject(error)
          }
          const unwatch = this.#wire.watch(() => end(new Error('the connection was cut')))
          const timer = setTimeout(() => end(new Error('it does not answer')), this.#soon)
          let listening: { unsubscribe(): void } | undefined
          const hear = (message: NatsMessageLike, error: Error | null): void => {
            if (error !== null) return end(error)
            const { code, description } = message.headers ?? { code: 0, description: '' }
            if (code === 204 || code === 404) return end()
            if (code !== 0) return end(new Refusal('a read', { code, description }))
            found.push(storedOf(message))
            timer.refresh()
          }
          try {
            listening = this.#wire.listen(inbox, hear)
            this.#wire.connection.publish(this.#wire.subject(`DIRECT.GET.${this.#options.stream}`), JSON.stringify(body), { reply: inbox })
          } catch (error) {
            // It is closed, or about to be.
            end(error as Error)
          }
        }),
    )
  }

  #ask(name: string, body: object): Promise<Record<string, unknown>> {
    return this.#wire.ask(name, body, this.#patience(), this.#soon)
  }

  #insist<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    return this.#wire.insist(send, this.#patience())
  }

  /** ms after which a request is made again. */
  get #soon(): number {
    return Math.min(PATIENCE, this.#options.timeout)
  }

  #patience(): () => boolean {
    const until = performance.now() + this.#options.timeout
    return () => performance.now() < until
  }

  async #make(): Promise<void> {
    const { stream, storage, replicas, config } = this.#options
    const wanted = { name: stream, storage, num_replicas: replicas, retention: 'limits', discard: 'new', ...NEEDS, ...config }
    const info = await this.#ask(`STREAM.INFO.${stream}`, {}).catch(async (error: unknown) => {
      if (!(error instanceof Refusal) || error.number !== NO_STREAM) throw error
      return this.#ask(`STREAM.CREATE.${stream}`, { ...wanted, allow_atomic: true }).catch((refused: unknown) => {
        // Somebody else has made it, or the server is one without batches.
        if (refused instanceof Refusal && refused.number === EXISTS) return this.#ask(`STREAM.INFO.${stream}`, {})
        if (refused instanceof Refusal) return this.#ask(`STREAM.CREATE.${stream}`, wanted)
        throw refused
      })
    })
    const has = info.config as Record<string, unknown>
    const other = Object.keys({ ...NEEDS, ...config }).filter((name) => !isSame(has[name], wanted[name as keyof typeof wanted]))
    if (other.length > 0)
      throw new Error(
        `stream ${stream} has another ${other.join(', ')}; it needs a server from 2.11 on, and a stream that is made for this`,
      )
    this.hasBatches = has.allow_atomic === true
  }
}

/** How long a message lives, as a header says it. */
export function lasting(ms: number): string {
  return `${Math.max(LEAST_TTL, Math.ceil(ms))}ms`
}

function expecting(subject: string, last: Terms['last']): [string, string][] {
  const lines: [string, string][] = [['Nats-Expected-Last-Subject-Sequence', String(last.seq)]]
  if (last.subject !== subject) lines.push(['Nats-Expected-Last-Subject-Sequence-Subject', last.subject])
  return lines
}

function storedOf({ headers, data }: NatsMessageLike): Stored {
  const header = (name: string): string | undefined => headers?.values(name)[0]
  const at = Date.parse(header('Nats-Time-Stamp') ?? '')
  return { subject: header('Nats-Subject') ?? '', seq: Number(header('Nats-Sequence')), data: Buffer.from(data), at, header }
}

function readAnswer(subject: string, { data }: NatsMessageLike): Record<string, unknown> {
  const answer = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown> & { error?: ConstructorParameters<typeof Refusal>[1] }
  if (answer.error !== undefined) throw new Refusal(subject, answer.error)
  return answer
}
