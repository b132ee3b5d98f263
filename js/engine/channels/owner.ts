// What channels need of the stream that they belong to, and no more: they know no instance.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ClosedError } from '../../kit/errors.js'
import type { Row } from '../border/row.js'

/** What an inlet needs of its stream. */
export interface Owner {
  readonly id: string
  readonly row: Row
  /** Settles with `promise`, at the latest after `closeTimeout`. */
  bounded(promise: PromiseLike<unknown>): Promise<unknown>
}

/** What the input channel needs of its stream. */
export interface InputOwner extends Owner {
  /** For events. */
  readonly schema: StandardSchemaV1 | undefined
  readonly buffer: number
  /** How many sends may wait for room. */
  readonly line: number
  /** A timer of ours may settle what waits here. */
  readonly timed: boolean
  /** The function was started, or will be with its permit. */
  readonly started: boolean
  start(): void
  /** The function waits for an event. */
  inputIsDry(): void
  /** The function reads no more. */
  deserted(): void
  /** It does not, and why is not known yet. */
  readonly isUndecided: boolean
  /** Somebody waits to hear why. */
  undecided(): void
  /** A send was refused because too many wait. */
  overrun(bound: number): void
  /** Why an event is refused; `ended`: only because the input has ended. */
  sendError(accepted: number, ended: boolean): ClosedError
}

/** What the output channel needs of its stream. */
export interface OutputOwner {
  readonly id: string
  readonly row: Row
  /** A timer of ours may settle what waits here. */
  readonly timed: boolean
  /** A read waits or was served: the function may have to start, or to go on. */
  demand(): void
  /** Calls `fire` once after `ms`; answers how to take that back. */
  after(ms: number, fire: () => void): () => void
  /** Results are dropped that the end did not count. */
  lateDrop(results: number): void
  /** Why a read meets nothing. */
  closedError(): ClosedError
}
