// An add-on that pulls the events of a durable stream and encodes its results, as the plain stream inside meets it. In there a result is a record, which is compared and kept, and events
// that are played again are delivered like new ones; the add-on is shown what is given out, and counts its own events. Owns no bytes.

import type { Milestone, Progress, Puller, Standing } from '../../kit/iteration/pulled.js'
import type { Codec } from '../../kit/types.js'
import { decodeRecord } from '../../workers/codec/late-record.js'

/** A result on its way through the plain stream: what is kept of it, and what the reader gets. */
export class Given {
  readonly record: Uint8Array
  readonly value: unknown

  constructor(record: Uint8Array, value: unknown) {
    this.record = record
    this.value = value
  }
}

/** What of the present life it needs to know. */
export interface PulledLife {
  readonly codec: Codec
  /** The next result was given out before, and nobody wants it again. */
  readonly isRepeating: boolean
  /** The add-on says that all results below `index` have arrived. */
  confirm(index: number): void
}

/** Of one stream, over its lives in this process. */
export class Pulling implements Puller {
  readonly confirms: boolean
  private readonly puller: Puller
  private life: PulledLife | undefined
  /** Index of the first event that the add-on sends. */
  private first: number | undefined
  /** How many events are played to this life before that. */
  before = 0

  constructor(puller: Puller) {
    this.puller = puller
    this.confirms = puller.confirms === true
  }

  /** Another life is made. */
  enter(life: PulledLife): void {
    this.life = life
  }

  /** It begins with the event of index `from`, and this is kept. */
  begin(from: number, standing: Standing): void {
    this.first ??= standing.events - (standing.isEnded ? 1 : 0)
    this.before = this.first - from
    this.puller.opened?.(standing)
  }

  /** It had ended before. */
  wasOver(standing: Standing): void {
    this.puller.opened?.(standing)
  }

  watch(progress: Progress): void {
    this.puller.watch(new OwnProgress(progress, this, (index) => this.life?.confirm(index)))
  }

  encode(record: unknown): Given {
    return this.give(record as Uint8Array, this.life?.isRepeating)
  }

  holds(unread: number): boolean {
    return this.puller.holds(unread)
  }

  /** A result as the reader gets it; of one that nobody wants nothing is made. */
  give(record: Uint8Array, isUnwanted = false): Given {
    return new Given(record, isUnwanted ? undefined : this.puller.encode(decodeRecord(record, (this.life as PulledLife).codec)))
  }
}

/** How far the function is with the events of the add-on alone. */
class OwnProgress implements Progress {
  readonly confirm: (index: number) => void
  private readonly inner: Progress
  private readonly pulling: Pulling
  private mine: Milestone | null = null

  constructor(inner: Progress, pulling: Pulling, confirm: (index: number) => void) {
    this.inner = inner
    this.pulling = pulling
    this.confirm = confirm
  }

  get delivered(): number {
    return Math.max(0, this.inner.delivered - this.pulling.before)
  }

  get milestone(): Milestone | null {
    return this.mine
  }

  set milestone(milestone: Milestone | null) {
    this.mine = milestone
    this.inner.milestone = milestone === null ? null : this.shifted(milestone)
  }

  hear(): void {
    this.inner.hear()
  }

  private shifted(milestone: Milestone): Milestone {
    const { pulling } = this
    return {
      get at() {
        return milestone.at + pulling.before
      },
      reached: () => milestone.reached(),
    }
  }
}
