// A session as the process sees it that opened it: sent to and read from here, run by whichever process hosts it. Owns its handle; the session lives on when that is closed.

import type { Live, LiveInstance, Lives } from '../../../api/live.js'
import type { EventRecord } from '../../../durable/journal.js'
import { isDrain, writeEnd } from '../../../durable/stream/commits/end.js'
import { Intake } from '../../../durable/stream/intake/intake.js'
import type { IntakeOwner } from '../../../durable/stream/intake/intake-owner.js'
import { Outlet, type OutletOwner } from '../../../durable/stream/outlet.js'
import { State } from '../../../engine/border/law.js'
import { Output } from '../../../engine/channels/output.js'
import type { OutputOwner } from '../../../engine/channels/owner.js'
import { overrun, sourceIdle } from '../../../engine/refusals.js'
import { AbortError, type ClosedError, type Failure, type OverloadedError } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import type { Codec, Position, Resumed, StreamEnd, StreamMetrics } from '../../../kit/types.js'
import type { Hostable } from '../definition.js'
import { ENDED, writtenEnd } from '../ends.js'
import { type Message, News } from '../messages.js'
import { Later } from './later.js'
import type { Front } from './place.js'
import { Pull } from './pull.js'
import { Receiver, type ReceiverOwner } from './receiver.js'
import { closed, inputEnded, movedOn } from './refusals.js'
import type { Entered, Remote } from './remote.js'
import { RemoteRow } from './remote-row.js'
import { Sender, type SenderOwner } from './sender.js'
import { Taken } from './taken.js'

export class RemoteLive implements Live, LiveInstance, Lives, IntakeOwner, OutletOwner, OutputOwner, ReceiverOwner, SenderOwner {
  readonly id: string
  readonly schema: IntakeOwner['schema']
  readonly codec: Codec
  readonly buffer: number
  readonly line: number
  readonly timed = false
  readonly started = true
  readonly awaitsEvent = false
  readonly def = { remote: false }
  readonly instance: LiveInstance = this
  readonly lives: Lives = this
  readonly input: Intake
  readonly output: Outlet
  readonly records: Output<unknown>
  readonly #counts = new RemoteRow(() => this.input.next)
  readonly row = this.#counts.row
  readonly #remote: Remote
  readonly #by: Resumed['by']
  readonly #front: Front | undefined
  readonly #pull: Pull | undefined
  readonly #receiver: Receiver
  readonly #sender: Sender
  readonly #taken: Taken
  readonly #opened = new Later<boolean>()
  readonly #resumed = new Later<Resumed | null>()
  readonly resumed = this.#resumed.promise
  readonly #ended = new Later<StreamEnd>()
  #end: StreamEnd | undefined
  #isIdle = false
  #giveBack: (() => void) | undefined

  /** `front`: where it serves a client of this process. */
  constructor(remote: Remote, { plain, state }: Hostable, front?: Front) {
    this.#remote = remote
    this.#by = state === undefined ? 'replay' : 'state'
    this.#front = front
    this.id = remote.key.id
    const { given, options } = front?.def ?? plain
    this.codec = plain.options.codec
    this.buffer = options.buffer
    this.line = Math.max(options.buffer, 16)
    this.schema = given[0]?.schema
    this.#pull = front?.puller && new Pull(front.puller, this.codec, (index) => this.output.confirm(index))
    this.records = new Output<unknown>(this)
    this.output = new Outlet(this, this.#pull)
    this.#taken = new Taken(this.buffer, (count) => remote.taken(count))
    this.#receiver = new Receiver(this)
    this.#sender = new Sender(remote.scripts, remote.keys, remote.limits, this)
    this.input = new Intake(this)
    void front?.place.ended.then((end) => this.#placeEnded(end))
  }

  /** The server knows of it. */
  begin(entered: Entered): void {
    if (this.#end !== undefined) return this.#opened.resolve(true)
    const { isNew, events, ended, results } = entered
    this.#taken.begin(results)
    this.output.handed = results
    this.#pull?.opened(entered)
    this.input.open(this.#sender, { key: this.#remote.key, epoch: 0, token: this.#remote.token }, events, ended)
    this.input.caughtUp()
    this.#opened.resolve(true)
    this.#resumed.resolve(isNew ? null : { events: ended ? events - 1 : events, results, by: this.#by })
    this.#receiver.open(results)
  }

  get token(): string {
    return this.#remote.token
  }

  get hasUnread(): boolean {
    return this.records.unread > 0
  }

  get room(): number {
    const { unread } = this.records
    return this.#pull?.holds(unread) === true ? 0 : Math.max(0, this.buffer - unread)
  }

  get position(): Position {
    return { events: this.input.events, results: this.output.handed }
  }

  hear(message: Message): void {
    if (message.news === News.Moved) return this.#remote.isBehind(message.from) ? this.#movedOn() : undefined
    this.#sender.wake()
    this.#receiver.hear(message)
  }

  /** The connection is back: what was said meanwhile was not heard, and the server may have lost its tail. */
  back(): void {
    void silence(
      this.#remote.restore(this.#taken.count).finally(() => {
        this.#receiver.look()
        return this.#sender.resend(this.id)
      }),
    )
  }

  endInput(failure?: Failure): void {
    this.input.end(failure)
    if (this.#end === undefined && this.#counts.state === State.Open) this.#counts.state = State.Ending
  }

  feedFrom(giveBack: () => void): void {
    this.#giveBack = giveBack
  }

  /** The server has them, and whoever hosts the session takes them from there. */
  async feed(events: readonly EventRecord[]): Promise<void> {
    await this.#front?.place.note(events.length)
    this.#pull?.kept(events.length)
  }

  tellEndOfInput(failure: Failure | undefined): void {
    // What a source threw is no event: whoever feeds the session hears of it, and the session waits for another.
    if (failure !== undefined) this.#finish({ ...ENDED, reason: 'failed', error: failure.error }, failure)
  }

  overrun(bound: number): OverloadedError {
    return overrun(this.id, bound, 0)
  }

  sendError(accepted: number, ended: boolean): ClosedError {
    return ended && this.#end === undefined ? inputEnded(this.id, accepted) : closed(this.id, this.#end, accepted)
  }

  closedError(): ClosedError {
    return closed(this.id, this.#end)
  }

  appended(): void {}

  refused(): void {}

  fail(error: unknown): void {
    this.#opened.resolve(false)
    if (this.#end === undefined) this.#finish({ ...ENDED, reason: 'failed', error }, { error })
  }

  demand(): void {
    this.#receiver.readOn()
  }

  after(ms: number, fire: () => void): () => void {
    const timer = setTimeout(fire, ms)
    return () => clearTimeout(timer)
  }

  lateDrop(): void {}

  give(records: readonly Buffer[]): void {
    for (const record of records) {
      this.#counts.yielded++
      this.records.put({ value: this.#pull === undefined ? record : this.#pull.written(record), done: false })
    }
    this.records.inputIsDry()
  }

  over(bytes: Buffer): void {
    const { end } = writtenEnd(bytes)
    if (end.reason === 'aborted') return this.#finish(end, { error: end.error })
    const known = this.#isIdle && end.reason === 'done' ? { ...end, reason: 'idle' as const, error: undefined } : end
    this.input.close()
    if (known.reason === 'idle') this.records.end({ error: sourceIdle(this.id, this.#front?.def.options.idleTimeout) })
    else this.records.end(known.reason === 'failed' ? { error: known.error } : undefined)
    this.#settle(known)
  }

  async readFrom(from: number, count: number): ReturnType<ReceiverOwner['readFrom']> {
    const page = await this.#remote.results(from, count)
    // The news of it may not have been heard.
    if (!page.isOurs) this.#movedOn()
    return page
  }

  delivered(index: number): void {
    this.#taken.add(index)
  }

  readToTheEnd(): void {
    this.#taken.add(this.output.handed)
  }

  why(error: unknown): unknown {
    return error
  }

  goesOn(): undefined {}

  async ack(): Promise<void> {
    this.#taken.add(this.output.handed)
    await this.#taken.tell()
  }

  again(): Promise<number | undefined> {
    return this.#remote.again()
  }

  /** What was appended by then is kept. */
  moved(): void {
    this.input.close()
    this.#movedOn()
  }

  async close(): Promise<void> {
    if (this.#end === undefined) this.#finish({ ...ENDED, reason: 'closed' }, undefined)
    if (!(await this.#opened.promise)) return
    await silence(this.#taken.tell()).catch(() => {})
    await this.#remote.leave()
  }

  abort(reason: unknown): void {
    if (this.#end !== undefined) return
    const error = new AbortError(`session ${this.id}: it was aborted`, { cause: reason, streamId: this.id })
    const end: StreamEnd = { ...ENDED, reason: 'aborted', error }
    const bytes = writeEnd(end, this.input.next, this.output.handed)
    void this.#opened.promise.then((isOpen) => (isOpen ? silence(this.#remote.abort(bytes)) : undefined))
    this.#finish(end, { error })
  }

  whenEnded(): Promise<StreamEnd> {
    return this.#ended.promise
  }

  awaitEnd(): Promise<StreamEnd> {
    return this.#ended.promise
  }

  metrics(): StreamMetrics {
    return this.#counts.metrics
  }

  /** A client of this process has gone to another one. Who reads without being one, reads on. */
  #movedOn(): void {
    if (this.#front !== undefined && this.#end === undefined)
      this.#finish({ ...ENDED, reason: 'closed', error: movedOn(this.id) }, undefined)
  }

  /** Its limits, its signal, or the process: a session that is left only because the process ends goes on elsewhere. */
  #placeEnded({ reason, error }: StreamEnd): void {
    if (this.#end !== undefined) return
    if (reason === 'idle') {
      this.#isIdle = true
      this.endInput()
    } else if (isDrain(error)) {
      this.#finish({ ...ENDED, reason: 'aborted', error }, { error })
      void this.close()
    } else this.abort((error as Error | undefined)?.cause)
  }

  #finish(end: StreamEnd, failure: Failure | undefined): void {
    this.input.close()
    this.#receiver.close()
    if (end.reason === 'failed') this.records.end(failure)
    else this.records.cut(failure)
    this.#settle(end)
  }

  #settle(end: StreamEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#counts.state = State.Closed
    this.#giveBack?.()
    this.#sender.wake()
    this.#remote.ended()
    this.#resumed.reject(end.error ?? this.closedError())
    this.#front?.place.leave(end.reason === 'done')
    this.#ended.resolve(end)
  }
}
