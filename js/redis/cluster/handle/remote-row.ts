// The counts of a session that is used from here and runs elsewhere: what the channel of its results writes to where a stream of this process has a row in Rust.

import { State } from '../../../engine/border/law.js'
import type { Row } from '../../../engine/border/row.js'
import type { StreamMetrics } from '../../../kit/types.js'
import { metricsOf } from '../metrics.js'

export class RemoteRow {
  state: Row['state'] = State.Open
  readonly isWaiting = false
  readonly #accepted: () => number
  readonly #since = performance.now()
  yielded = 0
  read = 0
  dropped = 0

  constructor(accepted: () => number) {
    this.#accepted = accepted
  }

  get accepted(): number {
    return this.#accepted()
  }

  /** Whatever was accepted is with the server. */
  get delivered(): number {
    return this.accepted
  }

  get metrics(): StreamMetrics {
    return metricsOf(this.accepted, this.read, this.dropped, performance.now() - this.#since)
  }

  take(count: number): void {
    this.read += count
  }

  markUnread(): void {}

  dropResults(count: number): void {
    this.dropped += count
  }

  yieldHeld(): void {}

  grant(): number {
    return 0
  }

  /** As the channel takes it: it calls nothing else. */
  get row(): Row {
    return this as unknown as Row
  }
}
