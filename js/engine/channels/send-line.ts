// The sends of a live stream that wait for room, first come first served. It knows who waits and who is told; what is accepted when is the business of
// the input channel.

import { AbortError, VeloError } from '../../kit/errors.js'
import { capture, captured, type Resolve, rejectWith, silence } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'

/** A send that waits: one place in line, however many events it brings. */
export interface Send<In> {
  /** The one event of a plain send. */
  event: In | undefined
  /** What a batch brings; `null` for a plain send. */
  events: readonly In[] | null
  /** How many of them were accepted. */
  accepted: number
  /** False while an asynchronous schema still looks at them. */
  checked: boolean
  readonly promise: Promise<void>
  readonly resolve: Resolve
  /** Takes the listener of its signal off. */
  forget: (() => void) | undefined
}

export function place<In>(event: In | undefined, events: readonly In[] | null, accepted: number, checked: boolean): Send<In> {
  const promise = new Promise<void>(capture as (resolve: () => void) => void)
  return { event, events, accepted, checked, promise, resolve: captured.resolve, forget: undefined }
}

/** Refuses a send that waited; nobody has to handle that (rule 16). */
export function refuseSend<In>(send: Send<In>, error: unknown): void {
  send.forget?.()
  silence(send.promise)
  rejectWith(send.resolve, error)
}

/** What an aborted stream tells a send: a batch has an error of its own, because it says how much was accepted. */
export function abortOf<In>({ events, accepted }: Send<In>, error: AbortError): AbortError {
  if (events === null) return error
  return new AbortError(error.message, { cause: error.cause, streamId: error.streamId, accepted })
}

/** An event that cannot travel: the error of its batch says how many were accepted before it. */
export function withAccepted(error: unknown, accepted: number): unknown {
  if (error instanceof VeloError) Object.assign(error, { accepted })
  return error
}

export class SendLine<In> {
  /** The oldest one. */
  first: Send<In> | null = null
  private readonly behind = new Queue<Send<In>>()
  /** Accepted, and not told yet: waking the sender for every event taken would cost more than the event. */
  private owed: Send<In>[] = []

  get length(): number {
    return this.first === null ? 0 : this.behind.length + 1
  }

  /** Whether somebody waits, or was accepted and waits to be told. */
  get isActive(): boolean {
    return this.first !== null || this.owed.length !== 0
  }

  get owes(): boolean {
    return this.owed.length !== 0
  }

  push(send: Send<In>): void {
    if (this.first === null) this.first = send
    else this.behind.push(send)
  }

  /** The oldest one leaves. */
  shift(): void {
    this.first = this.behind.length > 0 ? this.behind.shift() : null
  }

  /** False when it is not here any more. */
  remove(send: Send<In>): boolean {
    if (this.first !== send) return this.behind.remove(send)
    this.shift()
    return true
  }

  /** It was accepted: it is told now, or soon, at the latest when the turn ends. */
  tell(send: Send<In>, now: boolean): void {
    send.forget?.()
    if (now) return send.resolve(undefined)
    if (this.owed.length === 0) process.nextTick(() => this.tellOwed())
    this.owed.push(send)
  }

  tellOwed(): void {
    const { owed } = this
    this.owed = []
    for (const send of owed) send.resolve(undefined)
  }
}
