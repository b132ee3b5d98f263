// What of a durable stream leaves the journal, and when: one that has finished, as soon as everything of it was read. One that was only closed stays.

import { type Failure, TimeoutError, VeloError } from '../../kit/errors.js'
import { silence } from '../../kit/promises.js'
import type { StreamEnd } from '../../kit/types.js'
import type { Kept } from '../journal.js'
import { isDrain, writeEnd } from './commits/end.js'
import type { Ledger } from './commits/ledger.js'
import type { Life } from './life.js'
import type { Settings } from './settings.js'

export interface FinishingOwner {
  readonly life: { readonly ledger: Ledger | undefined }
  /** What ends it beside the function. */
  readonly failure: unknown
  readonly input: { readonly next: number; readonly events: number }
  readonly position: { readonly results: number }
}

export class Finishing {
  /** A read has met the end. */
  isReadOut = false
  private isFinished = false
  private readonly owner: FinishingOwner
  private readonly settings: Settings

  constructor(owner: FinishingOwner, settings: Settings) {
    this.owner = owner
    this.settings = settings
  }

  /** It has ended by itself, or somebody has ended it. `life`: the last one. */
  ended(end: StreamEnd, life: Life): void {
    if (end.reason === 'aborted' && !isDrain(end.error)) this.finish(end)
    else this.ifRead(end)
    if (this.isFinished || !(end.reason === 'failed' || end.reason === 'done')) return
    life.ledger?.mark(end.reason === 'failed' ? { error: end.error } : undefined, life.taken)
  }

  /** What fails the stream in place of `failure`, or of the return of its function, where that is no reason to let go of what is stored. */
  cutShort(life: Life, failure: Failure | undefined): Failure | undefined {
    if (failure !== undefined && life.taken === life.first && isUnloadable(failure)) return failure
    if (!life.isCutShort(failure)) return undefined
    const { id } = life.inner
    const how = failure === undefined ? 'the function returned' : 'the function failed'
    const message =
      `stream ${id}: ${how} after ${life.taken} events, before everything stored was processed again, and had not done so before. ` +
      'Everything is retained: open the stream again with a function that takes its events'
    return { error: new VeloError('VELO_CHECKPOINT', message, { streamId: id, ...(failure !== undefined && { cause: causeOf(failure) }) }) }
  }

  ifRead(end: StreamEnd): void {
    const { life, failure, position } = this.owner
    const isDone = end.reason === 'done' || end.reason === 'idle' || end.reason === 'failed'
    // A read meets the end as well where close() has dropped results.
    const isRead = this.isReadOut && position.results === life.ledger?.made
    if (isRead && isDone && failure === undefined) this.finish(end)
  }

  /** Closed or aborted before the journal had answered. */
  async leftEarly(kept: Kept, end: StreamEnd): Promise<void> {
    if (end.reason !== 'aborted' || isDrain(end.error)) return
    const { journal, retain } = this.settings
    await journal.commit(kept.own, { over: { bytes: writeEnd(end, kept.events, kept.delivered), retain } })
  }

  /** Nothing of it is needed any more. */
  private finish(end: StreamEnd): void {
    const { life, position, input } = this.owner
    const { ledger } = life
    if (this.isFinished || ledger === undefined) return
    this.isFinished = true
    ledger.deliver(position.results)
    void silence(ledger.finish(writeEnd(end, input.next, position.results, input.next > input.events), this.settings.retain))
  }
}

/** The function was never here. */
function isUnloadable({ error }: Failure): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'VELO_FUNCTION_REF'
}

/** Of an abort by a limit, the limit. */
function causeOf({ error }: Failure): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return cause instanceof TimeoutError ? cause : error
}
