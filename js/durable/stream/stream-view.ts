// What a durable stream shows of itself: its present life, and what it was made with.

import type { Live } from '../../api/live.js'
import { State } from '../../engine/border/law.js'
import type { Output } from '../../engine/channels/output.js'
import type { Codec, StreamMetrics } from '../../kit/types.js'
import type { Intake } from './intake/intake.js'
import type { Life } from './life.js'
import type { Settings } from './settings.js'

export abstract class StreamView {
  abstract readonly input: Intake
  abstract readonly life: Life
  protected abstract readonly settings: Settings

  get row(): Live['row'] {
    const { isReady, inner } = this.life
    const { state, accepted, delivered, yielded, read, isWaiting } = inner.row
    const shown = isReady || state >= State.Closing ? state : State.Waiting
    return { state: shown, accepted, delivered, yielded, read, isWaiting: isWaiting && isReady && !this.isFeeding }
  }

  get hasUnread(): boolean {
    return this.life.inner.hasUnread
  }

  get awaitsEvent(): boolean {
    return this.life.inner.instance.awaitsEvent
  }

  get started(): boolean {
    return this.life.inner.started
  }

  get codec(): Codec {
    return this.settings.codec
  }

  get schema(): Settings['schema'] {
    return this.settings.schema
  }

  get records(): Output<unknown> {
    return this.life.inner.output
  }

  get isFeeding(): boolean {
    return this.input.isBusy
  }

  metrics(): StreamMetrics {
    return this.life.inner.instance.metrics()
  }
}
