// How an instance ends: who is told, with what. Owns the promises of `closed` and `close()` and the errors that speak of the end; the order of things
// at the end is the business of the instance.

import { AbortError, ClosedError, type Failure } from '../kit/errors.js'
import { silence } from '../kit/promises.js'
import type { EndReason, StreamEnd } from '../kit/types.js'
import { Reason } from './border/law.js'
import { waitBegins, waitEnds } from './border/wakefulness.js'

const reasons: Record<number, EndReason> = {
  [Reason.Done]: 'done',
  [Reason.Closed]: 'closed',
  [Reason.Idle]: 'idle',
  [Reason.Aborted]: 'aborted',
  [Reason.Failed]: 'failed',
}

export class Ending {
  /** Set once it is over. */
  end: { -readonly [Key in keyof StreamEnd]: StreamEnd[Key] } | undefined
  /** What `abort()` made. */
  abortError: AbortError | undefined
  /** What the function returned. */
  returned: unknown
  /** What the function threw. */
  failure: Failure | undefined
  /** Name of the stage that threw it, in a pipeline. */
  stage: string | undefined
  private closed: Promise<StreamEnd> | undefined
  private onEnd: ((end: StreamEnd) => void) | undefined
  private closing: Promise<void> | undefined
  private onClosed: { resolve: () => void; reject: (error: unknown) => void } | undefined

  /** The promise of `stream.closed`. */
  whenEnded(): Promise<StreamEnd> {
    this.closed ??= this.end !== undefined ? Promise.resolve(this.end) : new Promise((resolve) => void (this.onEnd = resolve))
    return this.closed
  }

  /** The promise of `close()` if there is one. */
  get closePromise(): Promise<void> | undefined {
    return this.closing
  }

  /** Makes the promise of `close()`; it may float. */
  beginClose(): Promise<void> {
    waitBegins() // closeTimeout settles it at the latest
    this.closing = silence(new Promise<void>((resolve, reject) => void (this.onClosed = { resolve, reject })))
    return this.closing
  }

  abort(reason: unknown, id: string): Failure {
    this.abortError = new AbortError(`stream ${id} was aborted`, { cause: reason, streamId: id })
    return { error: this.abortError }
  }

  /** Whether `failure` is nothing but the abort, which the function let through. */
  isOwnAbort({ error }: Failure): boolean {
    return this.abortError !== undefined && error === this.abortError
  }

  /** It is over: everybody who waits for that is told. A failure goes to the `close()` in progress, if there is one. */
  settle(reason: number, counts: Pick<StreamEnd, 'dropped' | 'refused' | 'detached'>): StreamEnd {
    const failed = reason === Reason.Failed
    const error = failed ? this.failure : this.abortError === undefined ? undefined : { error: this.abortError }
    const { dropped, refused, detached } = counts
    const end: NonNullable<typeof this.end> = { reason: reasons[reason] as EndReason, dropped, refused, detached }
    if (error !== undefined) end.error = error.error
    if (failed && this.stage !== undefined) end.stage = this.stage
    if (reason === Reason.Done && this.returned !== undefined) end.value = this.returned
    this.end = end
    return end
  }

  tell(end: StreamEnd): void {
    if (this.onClosed !== undefined) waitEnds()
    if (end.reason === 'failed') this.onClosed?.reject(end.error)
    else this.onClosed?.resolve()
    this.onEnd?.(end)
  }

  /** `closing`: the caller ended it; else the function did. */
  closedError(id: string, accepted: number | undefined, closing: boolean): ClosedError {
    const ending = this.failure !== undefined ? 'failed' : this.abortError !== undefined ? 'aborted' : closing ? 'closed' : 'done'
    const reason = this.end?.reason ?? ending
    const cause = this.failure ?? (this.abortError === undefined ? undefined : { error: this.abortError })
    return new ClosedError('VELO_CLOSED', `stream ${id} is closed (${reason})`, {
      streamId: id,
      reason,
      ...(accepted === undefined ? {} : { accepted }),
      ...(cause === undefined ? {} : { cause: cause.error }),
    })
  }
}
