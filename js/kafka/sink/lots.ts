// Messages in lots that a send can take.

import type { Outgoing } from './outgoing.js'

export interface LotSettings {
  /** Messages of a lot, and about their bytes. */
  readonly batch: number
  readonly maxBytes: number
}

/** One at a time, so that no more than one is in memory. */
export function* lotsOf(messages: Iterable<Outgoing>, { batch, maxBytes }: LotSettings): Generator<Outgoing[]> {
  let lot: Outgoing[] = []
  let bytes = 0
  for (const message of messages) {
    if (lot.length >= batch || (lot.length > 0 && bytes + message.bytes > maxBytes)) {
      yield lot
      lot = []
      bytes = 0
    }
    lot.push(message)
    bytes += message.bytes
  }
  if (lot.length > 0) yield lot
}
