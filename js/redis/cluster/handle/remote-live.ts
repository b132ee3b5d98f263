// A session as the process sees it that opened it: sent to and read from here, run by whichever process hosts it. Owns its handle; the session lives on when that is closed.

import type { Live, LiveInstance, Lives } from '../../../api/live.js'
import type { EventRecord } from '../../../durable/journal.js'
import { writeEnd } from '../../../durable/stream/commits/end.js'
import { Intake } from '../../../durable/stream/intake/intake.js'
import type { IntakeOwner } from '../../../durable/stream/intake/intake-owner.js'
import { Outlet, type OutletOwner } from '../../../durable/stream/outlet.js'
import { State } from '../../../engine/border/law.js'
import { Output } from '../../../engine/channels/output.js'
import type { OutputOwner } from '../../../engine/channels/owner.js'
import { overrun } from '../../../engine/refusals.js'
import { AbortError, ClosedError, type Failure, type OverloadedError } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import type { Codec, Position, Resumed, StreamEnd, StreamMetrics } from '../../../kit/types.js'
import type { Hostable } from '../definition.js'
import { writtenEnd } from '../ends.js'
import type { Message } from '../messages.js'
import { metricsOf } from '../metrics.js'
import { Receiver, type ReceiverOwner } from './receiver.js'
import type { Entered, Remote } from './remote.js'
import { RemoteRow } from './remote-row.js'
import { Sender, type SenderOwner } from './sender.js'

/** ms until it is told what readers have taken. */
const BY_AND_BY = 20
const NONE = { events: 0, results: 0 }

export class RemoteLive implements Live, LiveInstance, Lives, IntakeOwner, OutletOwner, OutputOwner, ReceiverOwner, SenderOwner {
  readonly id: string
  readonly schema: IntakeOwner['schema']
  readonly codec: Codec
  readonly buffer: number
  readonly line: number
  readonly timed = false
  readonly started = true
  readonly isBusyElsewhere = true
  readonly def = { remote: false }
  readonly instance: LiveInstance = this
  readonly lives: Lives = this
  readonly resumed: Promise<Resumed | null>
  readonly input: Intake
  readonly output: Outlet
  readonly records: Output<unknown>
  readonly #counts = new RemoteRow(() => this.input.next)
  readonly row = this.#counts.row
  readonly #remote: Remote
  readonly #receiver: Receiver
  readonly #sender: Sender
  readonly #ended: Promise<StreamEnd>
  readonly #since = performance.now()
  #tell: (end: StreamEnd) => void = () => {}
  #end: StreamEnd | undefined
  #giveBack: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #taken = 0
  #told = 0
  #isTelling = false
  #onTaken: (() => void)[] = []

  constructor(remote: Remote, { plain, state }: Hostable, { isNew, events, ended, results }: Entered) {
    this.#remote = remote
    this.id = remote.key.id
    const { codec, buffer } = plain.options
    this.codec = codec
    this.buffer = buffer
    this.line = Math.max(buffer, 16)
    this.schema = plain.given[0]?.schema
    this.records = new Output<unknown>(this)
    this.output = new Outlet(this, undefined)
    this.output.handed = this.#taken = this.#told = results
    this.#receiver = new Receiver(results, this)
    this.#sender = new Sender(remote.scripts, remote.keys, remote.limits, this)
    this.input = new Intake(this)
    this.#ended = new Promise((resolve) => void (this.#tell = resolve))
    this.resumed = Promise.resolve(
      isNew ? null : { events: ended ? events - 1 : events, results, by: state === undefined ? 'replay' : 'state' },
    )
    this.input.open(this.#sender, { key: remote.key, epoch: 0, token: remote.token }, events, ended)
    this.input.caughtUp()
    this.#receiver.look()
  }

  get token(): string {
    return this.#remote.token
  }

  get hasUnread(): boolean {
    return this.records.unread > 0
  }

  get room(): number {
    return Math.max(0, this.buffer - this.records.unread)
  }

  get position(): Position {
    return { events: this.input.next, results: this.output.handed }
  }

  hear(message: Message): void {
    this.#wakeSenders()
    this.#receiver.hear(message)
  }

  /** The connection is back: what was said meanwhile was not heard, and the server may have lost its tail. */
  back(): void {
    void silence(
      this.#remote.restore(this.#taken).finally(() => {
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
  async feed(_events: readonly EventRecord[]): Promise<void> {}

  tellEndOfInput(failure: Failure | undefined): void {
    // What a source threw is no event: whoever feeds the session hears of it, and the session waits for another.
    if (failure !== undefined) this.#finish({ reason: 'failed', error: failure.error, dropped: NONE, refused: 0, detached: false }, failure)
  }

  overrun(bound: number): OverloadedError {
    return overrun(this.id, bound, 0)
  }

  sendError(accepted: number, ended: boolean): ClosedError {
    if (ended && this.#end === undefined)
      return new ClosedError('VELO_ENDED', `session ${this.id}: its input has ended`, { streamId: this.id, accepted })
    return this.closedError(accepted)
  }

  closedError(accepted?: number): ClosedError {
    const { reason, error } = this.#end ?? { reason: 'closed' as const, error: undefined }
    const options = { streamId: this.id, reason, ...(error !== undefined && { cause: error }), ...(accepted !== undefined && { accepted }) }
    return new ClosedError('VELO_CLOSED', `session ${this.id}: it is ${reason}`, options)
  }

  appended(): void {}

  refused(): void {}

  fail(error: unknown): void {
    if (this.#end === undefined) this.#finish({ reason: 'failed', error, dropped: NONE, refused: 0, detached: false }, { error })
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
    for (const value of records) {
      this.#counts.yielded++
      this.records.put({ value, done: false })
    }
    this.records.inputIsDry()
  }

  over(bytes: Buffer): void {
    const { end } = writtenEnd(bytes)
    if (end.reason === 'aborted') return this.#finish(end, { error: end.error })
    this.input.close()
    this.records.end(end.reason === 'failed' ? { error: end.error } : undefined)
    this.#settle(end)
  }

  readFrom(from: number, count: number): ReturnType<ReceiverOwner['readFrom']> {
    return this.#remote.results(from, count)
  }

  delivered(index: number): void {
    if (index <= this.#taken) return
    this.#taken = index
    // Not one by one, and not so late that the host has to wait for room.
    if (index - this.#told >= this.buffer && !this.#isTelling) void silence(this.#tellTaken())
    else this.#timer ??= setTimeout(() => silence(this.#tellTaken()), BY_AND_BY)
  }

  readToTheEnd(): void {
    this.delivered(this.output.handed)
  }

  why(error: unknown): unknown {
    return error
  }

  goesOn(): undefined {
    return undefined
  }

  async ack(): Promise<void> {
    this.delivered(this.output.handed)
    await this.#tellTaken()
  }

  again(): Promise<number | undefined> {
    return this.#remote.again()
  }

  /** What was appended by then is kept. */
  moved(): void {
    this.input.close()
  }

  whenTaken(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(), 50)
      this.#onTaken.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    if (this.#end === undefined) this.#finish({ reason: 'closed', dropped: NONE, refused: 0, detached: false }, undefined)
    await this.#ended
    await silence(this.#tellTaken()).catch(() => {})
    await this.#remote.leave()
  }

  abort(reason: unknown): void {
    if (this.#end !== undefined) return
    const error = new AbortError(`session ${this.id}: it was aborted`, { cause: reason, streamId: this.id })
    const end: StreamEnd = { reason: 'aborted', error, dropped: NONE, refused: 0, detached: false }
    void silence(this.#remote.abort(writeEnd(end, this.input.next, this.output.handed)))
    this.#finish(end, { error })
  }

  whenEnded(): Promise<StreamEnd> {
    return this.#ended
  }

  awaitEnd(): Promise<StreamEnd> {
    return this.#ended
  }

  metrics(): StreamMetrics {
    const { accepted, read } = this.row
    return metricsOf(accepted, read, this.#counts.dropped, performance.now() - this.#since)
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
    this.#wakeSenders()
    this.#remote.ended()
    this.#tell(end)
  }

  #wakeSenders(): void {
    const waiting = this.#onTaken
    this.#onTaken = []
    for (const wake of waiting) wake()
  }

  async #tellTaken(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isTelling = true
    this.#told = this.#taken
    await this.#remote.taken(this.#taken).finally(() => {
      this.#isTelling = false
    })
  }
}
