// An add-on that pulls events of a session out of something and writes its results, as the process sees it that opened the session: what was kept counts as delivered, because from there
// on it waits with the server.

import type { Milestone, Progress, Puller } from '../../../kit/iteration/pulled.js'
import type { Codec } from '../../../kit/types.js'
import { decodeRecord } from '../../../workers/codec/late-record.js'
import type { Entered } from './remote.js'

export class Pull implements Progress {
  readonly confirms: boolean
  readonly confirm: (index: number) => void
  /** Events of the add-on that are kept. */
  delivered = 0
  milestone: Milestone | null = null
  readonly #puller: Puller
  readonly #codec: Codec

  constructor(puller: Puller, codec: Codec, confirm: (index: number) => void) {
    this.#puller = puller
    this.#codec = codec
    this.confirms = puller.confirms === true
    this.confirm = confirm
    puller.watch(this)
  }

  opened({ isNew, ended, events, results }: Entered): void {
    this.#puller.opened?.({ isNew, isEnded: ended, events, results })
  }

  /** A result as its reader gets it. */
  written(record: Uint8Array): unknown {
    return this.#puller.encode(decodeRecord(record, this.#codec))
  }

  /** No more may come before some were read: their bytes are too many. */
  holds(unread: number): boolean {
    return this.#puller.holds(unread)
  }

  kept(events: number): void {
    this.delivered += events
    if (this.milestone !== null && this.delivered >= this.milestone.at) this.milestone.reached()
  }

  hear(): void {}
}
