// What a stream that users hold needs of the instance behind it: a plain one is a `LiveMode`, and durable streams bring their own.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Row } from '../engine/border/row.js'
import type { Input } from '../engine/channels/input.js'
import type { Output } from '../engine/channels/output.js'
import type { Failure } from '../kit/errors.js'
import type { Position, Resumed, StreamEnd, StreamMetrics } from '../kit/types.js'

export interface Live {
  readonly id: string
  readonly row: Pick<Row, 'state' | 'isWaiting' | 'accepted' | 'delivered' | 'yielded' | 'read'>
  /** Results wait to be read. */
  readonly hasUnread: boolean
  readonly input: Pick<Input<unknown>, 'send' | 'trySend' | 'sendBatch'>
  readonly output: Pick<Output<unknown>, 'isOwned' | 'reading' | 'soleReader' | 'recv' | 'recvBatch' | 'next'>
  readonly instance: LiveInstance
  /** For events. */
  readonly schema: StandardSchemaV1 | undefined
  /** The function was started, or will be with its permit. */
  readonly started: boolean
  /** Over all its lives, where it has several. */
  readonly lives?: Lives | undefined
  /** `end()`, or the end of a fed source; with `failure`, what that source threw. */
  endInput(failure?: Failure): void
  /** Its events come from a source from now on. */
  feedFrom(giveBack: () => void): void
}

export interface LiveInstance {
  readonly def: { readonly remote: boolean }
  /** Every stage waits for an event, and nothing is on its way from one to the next. */
  readonly awaitsEvent: boolean
  close(): Promise<void>
  abort(reason: unknown): void
  whenEnded(): Promise<StreamEnd>
  /** The same for somebody whose work is not done before. */
  awaitEnd(): Promise<StreamEnd>
  metrics(): StreamMetrics
}

/** What only a durable stream knows. */
export interface Lives {
  readonly resumed: Promise<Resumed | null>
  readonly position: Position
  ack(): Promise<void>
  /** Settles when the stream has come back as far as it can: as `resumed`, or when it waits for a place. Rejects as `resumed`. */
  whenBack?(): Promise<void>
}
