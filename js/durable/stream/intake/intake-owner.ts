// What the intake of a durable stream needs of it.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ClosedError, Failure, VeloError } from '../../../kit/errors.js'
import type { Codec } from '../../../kit/types.js'
import type { EventRecord } from '../../journal.js'

export interface IntakeOwner {
  readonly id: string
  readonly codec: Codec
  readonly schema: StandardSchemaV1 | undefined
  readonly buffer: number
  /** How many sends may wait. */
  readonly line: number
  /** Gives kept events to the function; rejects when it takes no more. */
  feed(events: readonly EventRecord[]): Promise<void>
  /** The input has ended, with what its source threw. */
  tellEndOfInput(failure: Failure | undefined): void
  overrun(bound: number): VeloError
  /** Why nothing is taken any more; `ended`: only because the input has ended. */
  sendError(accepted: number, ended: boolean): ClosedError
  /** Something was appended: what is to be committed goes along. */
  appended(): void
  /** They are not kept: the journal has no room for them, or fails. */
  refused(): void
  /** The end of the input cannot be kept. */
  fail(error: unknown): void
}
