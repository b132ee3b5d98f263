// One place in the line before the journal: a `send`, a `sendBatch`, or the end of the input. It settles when all of it is kept, or none of it can be any more.

import { AbortError, type Failure, VeloError } from '../../../kit/errors.js'
import { reasonOf } from '../../../kit/signals/signals.js'
import type { Accepted } from './part.js'

export class Entry {
  readonly events: readonly Accepted[]
  readonly end: boolean
  readonly promise: Promise<void>
  /** How many were accepted, and how many are kept. */
  accepted = 0
  /** Index of its first event, as soon as that was accepted. */
  from = 0
  kept = 0
  failure: Failure | undefined
  /** Takes the listener of its signal back. */
  forget: () => void = () => {}
  private resolve: () => void = () => {}
  private reject: (error: unknown) => void = () => {}

  constructor(events: readonly Accepted[], end: boolean) {
    this.events = events
    this.end = end
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** What of it comes next: so many events and bytes at most, but one event always. */
  part(room: number, bytes: number): { events: readonly Accepted[]; size: number } {
    let size = 0
    let end = this.accepted
    while (end < this.events.length && end - this.accepted < room && (end === this.accepted || size < bytes)) {
      size += (this.events[end++] as Accepted).bytes.byteLength
    }
    return { events: this.events.slice(this.accepted, end), size }
  }

  /** How many of its events have an index below `next`. */
  countBefore(next: number): number {
    return this.accepted === 0 ? 0 : Math.min(Math.max(0, next - this.from), this.events.length)
  }

  settle(): void {
    this.forget()
    if (this.failure === undefined) this.resolve()
    else this.reject(this.failure.error)
  }
}

/** The error of a send that its signal has ended, of which so many events were accepted. */
export function aborted(signal: AbortSignal, streamId: string, accepted: number): AbortError {
  return new AbortError('the send was aborted', { cause: reasonOf(signal), streamId, accepted })
}

/** The error of a send says how many of its events are stored. Several sends that the journal refused together share one error. */
export function withAccepted(error: unknown, accepted: number): unknown {
  if (!(error instanceof VeloError) || error.accepted === accepted) return error
  if (accepted === 0 && error.accepted === undefined) return Object.assign(error, { accepted })
  const { code, message, streamId, retryable } = error
  return new VeloError(code, message, { accepted, cause: error, retryable, ...(streamId !== undefined && { streamId }) })
}

export function noneAccepted(error: unknown): never {
  throw withAccepted(error, 0)
}
