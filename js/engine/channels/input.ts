// The input channel of a live stream: events in, at most `buffer` of them waiting, and the line of sends that wait for room. It holds credits that
// Rust granted; with none left `send` waits: that, and nothing else, is backpressure.

import { AbortError, type ClosedError } from '../../kit/errors.js'
import { capture, captured, DONE_VOID, refuse } from '../../kit/promises.js'
import { noQueue, Queue } from '../../kit/queue.js'
import { onAbort } from '../../kit/signals/signals.js'
import { Side, State } from '../border/law.js'
import { waitBegins, waitEnds } from '../border/wakefulness.js'
import { overrun, sendAborted } from '../refusals.js'
import { Inlet } from './inlet.js'
import type { InputOwner } from './owner.js'
import { validateAll, validateNow } from './schema.js'
import { abortOf, place, refuseSend, type Send, SendLine, withAccepted } from './send-line.js'

export class Input<In> extends Inlet<In> {
  declare protected readonly owner: InputOwner
  protected buffered: Queue<In> = noQueue()
  /** Made by the first send that waits. */
  private line: SendLine<In> | null = null
  /** `end()` or idleness: no new sends; what is buffered or in line is still delivered. */
  private ended = false
  /** Closed, aborted, or given up by the function: nothing is delivered any more. */
  private wasCut = false
  /** The senders of accepted events are told when no more than this many wait, when the function waits, or when the turn ends. */
  private readonly lowWater: number
  credits = 0

  constructor(owner: InputOwner) {
    super(owner)
    this.lowWater = owner.buffer >> 1
  }

  next(): Promise<IteratorResult<In, undefined>> {
    if (this.buffered.length === 0 && this.line !== null) this.serve(this.line)
    if (this.buffered.length !== 0) {
      const value = this.buffered.shift()
      this.row.deliver()
      if (this.line?.isActive) this.serve(this.line)
      return Promise.resolve({ value, done: false })
    }
    if (this.over) return this.nextOver()
    if (this.ended && !this.sending) {
      this.over = true
      return this.nextOver()
    }
    if (this.resolve !== null) return this.park()
    const promise = new Promise(capture) as Promise<IteratorResult<In, undefined>>
    this.resolve = captured.resolve
    this.row.wait(!this.sending) // an event under way is no silence
    this.row.asked()
    this.owner.inputIsDry()
    return promise
  }

  send(event: In, signal: AbortSignal | undefined): Promise<void> {
    if (this.owner.schema !== undefined) return this.sendChecked([event], signal)
    if (this.isFree()) {
      if (signal?.aborted) return refuse(sendAborted(this.owner.id, signal))
      if (this.credits > 0 || this.refill()) return this.acceptNow(event)
    }
    return this.join(place<In>(event, null, 0, true), signal)
  }

  sendBatch(events: readonly In[]): Promise<void> {
    if (this.owner.schema !== undefined) return this.sendChecked(events, undefined)
    return this.sendAll(events, undefined)
  }

  trySend(event: In): boolean {
    const { schema, id } = this.owner
    if (!this.isFree() || (this.credits === 0 && !this.refill())) return false
    if (schema !== undefined) event = validateNow(schema, event, id) as In
    this.accept(event)
    return true
  }

  /** `end()` and idleness: nothing more comes in; `failure` is thrown after what is buffered. */
  end(failure?: { error: unknown }): void {
    if (this.ended || this.over) return
    this.ended = true
    this.failure = failure ?? null
    this.endWaits()
  }

  override cut(failure: { error: unknown } | undefined): void {
    this.ended = this.wasCut = true
    super.cut(failure)
    this.rejectLine(failure?.error)
  }

  /** The function stops reading. Whoever waits to send, or comes now, is told why, which is known only when it has ended, or goes on. */
  override async return(value?: unknown): Promise<IteratorResult<In, undefined>> {
    this.ended = this.wasCut = true
    super.cut(undefined)
    this.owner.deserted()
    return { value: (await value) as undefined, done: true }
  }

  /** Whoever waits to send is told that nobody reads. */
  rejectLine(error?: unknown): void {
    const { line } = this
    for (let send = line?.first; line && send; send = line.first) {
      this.shiftLine(line)
      refuseSend(send, error instanceof AbortError ? abortOf(send, error) : this.endedError(send.accepted))
    }
  }

  get hasEnded(): boolean {
    return this.ended
  }

  /** How many sends wait in line. */
  get waiting(): number {
    return this.line?.length ?? 0
  }

  get sending(): boolean {
    return this.line !== null && this.line.first !== null
  }

  /** Admitted after a wait for a permit, or there are credits again: the line moves. */
  open(): void {
    if (this.line !== null) this.serve(this.line)
  }

  /** Whoever sends wants to know soon how far the function is: on the same thread it is told anyway. */
  hear(): void {}

  protected drop(): void {
    if (this.buffered.length === 0) return
    this.row.dropEvents(this.buffered.clear())
  }

  /** Whether an event sent now needs no place in line, but for a credit. */
  protected isFree(): boolean {
    return !this.sending && this.row.state === State.Open && !this.ended && !this.over
  }

  protected refill(): boolean {
    this.credits = this.row.grant(Side.Input)
    return this.credits > 0
  }

  /** Takes an event in, for which there is a credit. One that cannot travel to another thread is refused: that throws, and nothing has happened. */
  protected accept(event: In): void {
    this.credits--
    this.row.accept()
    // Started first, the function asks at once and the event needs no slot.
    if (!this.owner.started) this.owner.start()
    const resolve = this.resolve
    if (resolve === null) {
      if (this.buffered === noQueue()) this.buffered = new Queue()
      return this.buffered.push(event)
    }
    if (this.more === null) {
      this.resolve = null
      this.row.deliverAwaited()
    } else {
      this.row.deliverAsked()
      this.unpark()
    }
    resolve({ value: event, done: false })
  }

  private acceptNow(event: In): Promise<void> {
    try {
      this.accept(event)
      return DONE_VOID
    } catch (error) {
      return refuse(error)
    }
  }

  private sendChecked(events: readonly In[], signal: AbortSignal | undefined): Promise<void> {
    const { schema, id } = this.owner
    let checked: unknown[] | Promise<unknown[]>
    try {
      checked = validateAll(schema as NonNullable<typeof schema>, events, id)
    } catch (error) {
      return refuse(error)
    }
    if (!(checked instanceof Promise)) return this.sendAll(checked as In[], signal)
    // Takes its place in line now, so that the order of the sends holds however long the schema takes.
    const send = place<In>(undefined, [], 0, false)
    const promise = this.join(send, signal)
    checked.then(
      (values) => {
        send.events = values as In[]
        send.checked = true
        this.open()
      },
      (error) => this.leave(send, error),
    )
    return promise
  }

  private sendAll(events: readonly In[], signal: AbortSignal | undefined): Promise<void> {
    let accepted = 0
    if (this.isFree()) {
      if (signal?.aborted) return refuse(sendAborted(this.owner.id, signal))
      try {
        while (accepted < events.length && (this.credits > 0 || this.refill())) this.accept(events[accepted++])
      } catch (error) {
        return refuse(withAccepted(error, accepted - 1))
      }
      if (accepted === events.length) return DONE_VOID
    }
    return this.join(place<In>(undefined, events.slice(), accepted, true), signal)
  }

  private join(send: Send<In>, signal: AbortSignal | undefined): Promise<void> {
    const { owner } = this
    const isOver = this.row.state >= State.Closing || ((this.ended || this.over) && !owner.isUndecided)
    if (isOver) return refuse(this.endedError(send.accepted))
    if (signal?.aborted) return refuse(sendAborted(this.owner.id, signal))
    this.line ??= new SendLine()
    const bound = owner.line
    if (this.line.length >= bound) {
      owner.overrun(bound)
      return refuse(overrun(owner.id, bound, send.accepted))
    }
    try {
      if (signal !== undefined) send.forget = onAbort(signal, () => this.leave(send, sendAborted(owner.id, signal)))
    } catch (error) {
      return refuse(error)
    }
    this.line.push(send)
    if (owner.timed) waitBegins()
    this.noSilence()
    if (owner.isUndecided) owner.undecided()
    return send.promise
  }

  /** Accepts from the line, oldest first, as far as credits reach, and tells the senders when it is time. */
  private serve(line: SendLine<In>): void {
    if (this.wasCut) return
    const { owner, row } = this
    // A function that starts asks at once and comes back here: the line must not be half served then.
    if (!owner.started && line.first?.checked) owner.start()
    for (let send = line.first; send?.checked && (row.state === State.Open || row.state === State.Ending); send = line.first) {
      if (this.credits === 0 && !this.refill()) break
      try {
        if (!this.acceptAll(send)) break
        if (line.first !== send) continue // a getter of its event has closed the stream: it was told
        this.shiftLine(line)
        line.tell(send, this.buffered.length <= this.lowWater)
      } catch (error) {
        if (line.first !== send) continue
        this.shiftLine(line)
        refuseSend(send, withAccepted(error, send.events === null ? 0 : send.accepted - 1))
      }
      if (line.first === null) this.lineIsEmpty()
    }
    if (line.owes && this.buffered.length <= this.lowWater) line.tellOwed()
  }

  /** As much of a send as there are credits for; false when some of it is left. */
  private acceptAll(send: Send<In>): boolean {
    const { events } = send
    if (events === null) {
      this.accept(send.event as In)
      return true
    }
    while (send.accepted < events.length && (this.credits > 0 || this.refill())) this.accept(events[send.accepted++])
    return send.accepted === events.length
  }

  private leave(send: Send<In>, error: unknown): void {
    const { line } = this
    if (!line?.remove(send)) return
    if (this.owner.timed) waitEnds()
    refuseSend(send, error)
    if (line.first === null) this.lineIsEmpty()
    this.serve(line)
  }

  private shiftLine(line: SendLine<In>): void {
    line.shift()
    if (this.owner.timed) waitEnds()
  }

  private lineIsEmpty(): void {
    if (this.ended) return this.endWaits()
    this.silence()
  }

  /** The input has ended: a function that waits is told, once nothing is left for it. */
  protected endWaits(): void {
    if (this.resolve === null || this.sending) return
    this.over = true
    this.settleWaits()
  }

  /** Why nothing can be sent any more. */
  private endedError(accepted: number): ClosedError {
    return this.owner.sendError(accepted, this.ended && !this.wasCut)
  }
}
