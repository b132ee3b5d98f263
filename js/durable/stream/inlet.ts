// Where the intake of a durable stream ends: at the function's stream of the life at hand.

import type { Definition } from '../../engine/definition.js'
import { overrun } from '../../engine/refusals.js'
import { ClosedError, type Failure, type VeloError } from '../../kit/errors.js'
import type { EventRecord } from '../journal.js'
import type { IntakeOwner } from './intake/intake-owner.js'
import type { Life } from './life.js'
import type { Settings } from './settings.js'

/** A durable stream, as far as events on their way concern it. */
export interface Lived {
  readonly id: string
  readonly def: Definition
  readonly life: Life
  /** What ended it beside the function. */
  readonly failure: Failure | undefined
  fail(error: unknown): void
}

export class Inlet implements IntakeOwner {
  readonly id: string
  readonly codec: IntakeOwner['codec']
  readonly schema: IntakeOwner['schema']
  readonly buffer: number
  readonly line: number
  private readonly stream: Lived

  constructor(stream: Lived, { codec, schema }: Settings) {
    this.stream = stream
    this.id = stream.id
    this.codec = codec
    this.schema = schema
    this.buffer = stream.def.options.buffer
    this.line = stream.def.line
  }

  feed(events: readonly EventRecord[]): Promise<void> {
    return this.stream.life.give(events)
  }

  tellEndOfInput(failure: Failure | undefined): void {
    this.stream.life.inner.endInput(failure)
  }

  overrun(bound: number): VeloError {
    this.stream.life.inner.overrun(bound)
    return overrun(this.id, bound, 0)
  }

  sendError(accepted: number, ended: boolean): ClosedError {
    const { failure, life } = this.stream
    if (failure === undefined) return life.inner.sendError(accepted, ended)
    const details = { streamId: this.id, reason: 'failed' as const, accepted, cause: failure.error }
    return new ClosedError('VELO_CLOSED', `stream ${this.id} is closed (failed)`, details)
  }

  refused(): void {
    this.stream.life.refused()
  }

  appended(): void {
    this.stream.life.appended()
  }

  fail(error: unknown): void {
    this.stream.fail(error)
  }
}
