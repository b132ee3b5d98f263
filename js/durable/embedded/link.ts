// What one isolate has to do with one folder: commands of a turn go to the writer together, answers come when the doorbell rings.
//
// Owns: the order of commands, the bound of what is under way, and which promise an answer settles. Knows nothing of what commands say.

import { whenDirty } from '../../engine/border/mailbox.js'
import { native } from '../../engine/border/native.js'
import { workBegins, workEnds } from '../../engine/border/wakefulness.js'
import { VeloError } from '../../kit/errors.js'
import type { JournalMetrics } from '../../kit/journal-metrics.js'
import { Failure, Fields, Said } from './answers.js'
import { Submission } from './submission.js'

/** A submission takes no more commands after so many bytes; the next ones wait until it has gone. */
const TURN_BYTES = 1024 * 1024
/** A writer that has nothing to do gets so many bytes before the turn is over, and works while the turn goes on. */
const EAGER_BYTES = 64 * 1024

/** One command. */
export interface Ask<T> {
  /** What it is about, for messages. */
  readonly about: string
  /** Of the stream that it is about. */
  readonly streamId: string | undefined
  readonly what: number
  /** Writes its fields. Called later when much is under way: what it writes must stay as it is until the answer. */
  put(into: Submission): void
  /** Makes something of what is answered. */
  read(fields: Fields): T
}

interface Waiting {
  readonly ask: Ask<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** The links of this isolate, by folder. */
const links = new Map<string, Link>()
/** Those that have something under way, closing ones among them. */
const busy = new Set<Link>()

/** The link to a folder: the same path twice is the same link, until it is closed. */
export function linkTo(path: string, synced: boolean, create: boolean): Link {
  const known = links.get(path)
  if (known === undefined) {
    const link = new Link(path, synced, create)
    links.set(path, link)
    return link
  }
  if (known.synced === synced) return known
  const was = known.synced ? 'disk' : 'process'
  throw new VeloError('VELO_CONFIG', `journal(path, options).sync: expected '${was}', as ${path} is open already`, {
    field: 'journal(path, options).sync',
  })
}

export class Link {
  readonly path: string
  readonly synced: boolean
  readonly #create: boolean
  /** Opened by the first command: a journal that is not used touches no disk. */
  #handle = 0
  #closed: Promise<void> | undefined
  #lastId = 0
  readonly #under = new Map<number, Waiting>()
  /** Not given to the writer yet, in order. */
  #line: Waiting[] = []
  readonly #turn = new Submission()
  /** Commands in it. */
  #fresh = 0
  #flushing = false

  constructor(path: string, synced: boolean, create: boolean) {
    this.path = path
    this.synced = synced
    this.#create = create
  }

  /** Asks the writer. Rejects with `VELO_CHECKPOINT`. */
  ask<T>(ask: Ask<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#error(ask, 'the journal is closed'))
    return new Promise((resolve, reject) => {
      const waiting = { ask, resolve, reject } as Waiting
      workBegins()
      busy.add(this)
      if (this.#line.length > 0 || this.#turn.size >= TURN_BYTES) this.#line.push(waiting)
      else this.#write(waiting)
      if (this.#turn.size >= EAGER_BYTES && this.#isWriterIdle) this.#flush()
      else this.#flushSoon()
    })
  }

  /** Closes when everything asked for before is done. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve, reject) => {
      if (links.get(this.path) === this) links.delete(this.path)
      if (this.#handle === 0) return resolve()
      const ask = { about: '', streamId: undefined, what: 0, put() {}, read() {} }
      workBegins()
      busy.add(this)
      this.#line.push({ ask, resolve: resolve as Waiting['resolve'], reject })
      this.#flush()
    })
    return this.#closed
  }

  get metrics(): JournalMetrics {
    return { ...native.journalMetrics(this.#handle), path: this.path }
  }

  /** The doorbell rang: settles what was answered, then goes on with what waited for room. */
  attend(): void {
    const answers = native.journalTake(this.#handle)
    let count = 0
    for (const fields = new Fields(answers); !fields.isEmpty; count++) this.#settle(new Fields(fields.blob()))
    if (count > 0) workEnds(count)
    this.#flush()
    if (this.#under.size === 0 && this.#line.length === 0) busy.delete(this)
  }

  #settle(answer: Fields): void {
    const id = answer.word()
    const waiting = this.#under.get(id)
    if (!this.#under.delete(id) || waiting === undefined) return
    if (waiting.ask.what === 0) native.journalForget(this.#handle)
    const said = answer.byte()
    try {
      if (said === Said.Failed) waiting.reject(this.#failure(waiting.ask, answer.byte(), answer.text(answer.take())))
      else waiting.resolve(waiting.ask.read(answer))
    } catch (error) {
      waiting.reject(error)
    }
  }

  /** When the turn is over: commands that microtasks ask for go along. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#flushing = false
        this.#flush()
      }),
    )
  }

  /** Gives the writer what it takes. Without room the doorbell brings us back. */
  #flush(): void {
    for (;;) {
      if (this.#turn.size > 0 && !this.#submit()) return
      const [next] = this.#line
      if (next === undefined) return
      let count = 0
      while (count < this.#line.length && this.#turn.size < TURN_BYTES) {
        const waiting = this.#line[count] as Waiting
        if (waiting.ask.what === 0) {
          // The last one, which goes by itself, behind all others.
          if (this.#turn.size > 0 && !this.#submit()) break
          const id = this.#number()
          this.#under.set(id, waiting)
          native.journalClose(this.#handle, id)
        } else this.#write(waiting)
        count++
      }
      this.#line = this.#line.slice(count)
    }
  }

  #submit(): boolean {
    try {
      if (this.#handle === 0) this.#handle = native.journalOpen(this.path, this.synced, this.#create)
      const taken = native.journalSubmit(this.#handle, this.#turn.memory, this.#turn.size)
      if (taken === 0) return false
      if (taken < 0) throw new Error('the journal is closed')
    } catch (error) {
      this.#failAll((error as Error).message)
      return true
    }
    this.#turn.clear()
    this.#fresh = 0
    return true
  }

  #failAll(text: string): void {
    this.#turn.clear()
    this.#fresh = 0
    const failed = [...this.#under.values()]
    this.#under.clear()
    for (const { ask, reject } of failed) reject(this.#error(ask, text))
    workEnds(failed.length)
  }

  #write(waiting: Waiting): void {
    const id = this.#number()
    this.#turn.begin(id, waiting.ask.what)
    try {
      waiting.ask.put(this.#turn)
    } catch (error) {
      this.#turn.undo()
      workEnds(1)
      return waiting.reject(error)
    }
    this.#turn.end()
    this.#fresh++
    this.#under.set(id, waiting)
  }

  get #isWriterIdle(): boolean {
    // Where every commit is synced, two of them cost more than one that comes later.
    return !this.synced && this.#under.size === this.#fresh
  }

  #number(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#under.has(this.#lastId))
    return this.#lastId
  }

  #failure(ask: Ask<unknown>, kind: number, text: string): VeloError {
    // What concerns the folder is no fault of the stream.
    const wide: readonly number[] = [Failure.InUse, Failure.Version, Failure.Io]
    return this.#error(wide.includes(kind) ? { ...ask, about: '' } : ask, text, kind === Failure.Io)
  }

  #error({ about, streamId }: { about: string; streamId: string | undefined }, text: string, retryable = false): VeloError {
    const message = `journal ${this.path}: ${about === '' ? '' : `${about}: `}${text}`
    return new VeloError('VELO_CHECKPOINT', message, { streamId, retryable })
  }
}

whenDirty(() => {
  for (const link of [...busy]) link.attend()
})
