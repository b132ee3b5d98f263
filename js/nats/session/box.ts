// js/nats/session: durable streams in a stream of JetStream: where their events, results and state are, and who may write to them. Knows nothing of how they are run.
//
// The stream of JetStream: what is asked of it, and how long. Owns the requests; not what the messages say. Whatever decides who may write is asked of the leader of the stream; what
// is read in pages may come from a replica that is behind, and whoever reads knows how far it must come.

import { afterMs, Refusal } from '../client/faults.js'
import { Headers } from '../client/headers.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'

/** A message that is kept. */
export interface Stored {
  readonly subject: string
  readonly seq: number
  readonly data: Buffer
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

/** What the stream is made with, and must have. */
const NEEDS = { allow_direct: true, allow_rollup_hdrs: true, allow_msg_ttl: true } as const

export interface BoxOptions {
  readonly stream: string
  readonly storage: 'file' | 'memory'
  readonly replicas: number
  readonly timeout: number
}

export class Box {
  readonly #wire: Wire
  readonly #options: BoxOptions
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
    const lines: [string, string][] = [['Nats-Expected-Last-Subject-Sequence', String(last.seq)]]
    if (last.subject !== subject) lines.push(['Nats-Expected-Last-Subject-Sequence-Subject', last.subject])
    if (rollup === true) lines.push(['Nats-Rollup', 'sub'])
    if (ttl !== undefined) lines.push(['Nats-TTL', `${Math.max(LEAST_TTL, Math.ceil(ttl))}ms`])
    const headers = new Headers(lines)
    try {
      const { seq } = await this.#insist(async () => {
        const answer = await this.#wire.request(subject, data, { timeout: this.#soon, headers })
        return readAnswer(subject, answer) as { seq: number }
      })
      return seq
    } catch (error) {
      if (error instanceof Refusal && error.number === WRONG_LAST) return undefined
      throw error
    }
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

  async #get(body: object): Promise<Stored | undefined> {
    try {
      const { message } = await this.#ask(`STREAM.MSG.GET.${this.#options.stream}`, body)
      const { subject, seq, data } = message as { subject: string; seq: number; data?: string }
      return { subject, seq, data: Buffer.from(data ?? '', 'base64') }
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
            listening.unsubscribe()
            if (error === undefined) resolve(found)
            else reject(error)
          }
          const unwatch = this.#wire.watch(() => end(new Error('the connection was cut')))
          const timer = setTimeout(() => end(new Error('it does not answer')), this.#soon)
          const listening = this.#wire.listen(inbox, (message, error) => {
            if (error !== null) return end(error)
            const { code, description } = message.headers ?? { code: 0, description: '' }
            if (code === 204 || code === 404) return end()
            if (code !== 0) return end(new Refusal('a read', { code, description }))
            found.push(storedOf(message))
            timer.refresh()
          })
          this.#wire.connection.publish(this.#wire.subject(`DIRECT.GET.${this.#options.stream}`), JSON.stringify(body), { reply: inbox })
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
    const { stream, storage, replicas } = this.#options
    const config = {
      name: stream,
      subjects: [`${stream}.>`],
      storage,
      num_replicas: replicas,
      retention: 'limits',
      discard: 'new',
      ...NEEDS,
    }
    const info = await this.#ask(`STREAM.INFO.${stream}`, {}).catch(async (error: unknown) => {
      if (!(error instanceof Refusal) || error.number !== NO_STREAM) throw error
      return this.#ask(`STREAM.CREATE.${stream}`, { ...config, allow_atomic: true }).catch((refused: unknown) => {
        // Somebody else has made it, or the server is one without batches.
        if (refused instanceof Refusal && refused.number === EXISTS) return this.#ask(`STREAM.INFO.${stream}`, {})
        if (refused instanceof Refusal) return this.#ask(`STREAM.CREATE.${stream}`, config)
        throw refused
      })
    })
    const has = info.config as Record<string, unknown>
    const missing = Object.keys(NEEDS).filter((name) => has[name] !== true)
    if (missing.length > 0)
      throw new Error(`stream ${stream} has no ${missing.join(', ')}; it needs a server from 2.11 on, and a stream that is made for this`)
  }
}

function storedOf({ headers, data }: NatsMessageLike): Stored {
  const header = (name: string): string => headers?.values(name)[0] ?? ''
  return { subject: header('Nats-Subject'), seq: Number(header('Nats-Sequence')), data: Buffer.from(data) }
}

function readAnswer(subject: string, { data }: NatsMessageLike): Record<string, unknown> {
  const answer = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown> & { error?: ConstructorParameters<typeof Refusal>[1] }
  if (answer.error !== undefined) throw new Refusal(subject, answer.error)
  return answer
}
