// The errors of velo-stream: one class, and subclasses where people catch apart. The codes come from Rust (codes.ts); what a user's
// function throws is never wrapped in one of these.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { codes } from './codes.js'
import type { EndReason } from './end-reason.js'

/** A stable name of what went wrong, `VELO_*`. docs/errors.md lists them all. */
export type VeloErrorCode =
  | 'VELO_CONFIG'
  | 'VELO_OVERLOADED'
  | 'VELO_DRAINING'
  | 'VELO_ENDED'
  | 'VELO_CLOSED'
  | 'VELO_ABORTED'
  | 'VELO_IDLE'
  | 'VELO_OVERRUN'
  | 'VELO_EVENT'
  | 'VELO_TIMEOUT'
  | 'VELO_LOCKED'
  | 'VELO_CODEC'
  | 'VELO_FUNCTION_REF'
  | 'VELO_WORKER_EXITED'
  | 'VELO_ADAPTER'
  | 'VELO_CHECKPOINT'
  | 'VELO_NATIVE_LOAD'
  | 'VELO_BUG'

// Fails to compile when the list above and the one of Rust differ.
const known: Readonly<Record<VeloErrorCode, { retryable: boolean }>> & Record<Exclude<keyof typeof codes, VeloErrorCode>, never> = codes

/** Something thrown; a box, because `undefined` can be thrown too. */
export interface Failure {
  error: unknown
}

/** What an error may carry beside its message. */
export interface VeloErrorOptions {
  /** What led to it: a user's error, the reason of an abort, a client's error. */
  cause?: unknown
  /** `id` of the stream it belongs to. */
  streamId?: string | undefined
  /** Path of the option at fault, for example `streamFn(options).buffer`. */
  field?: string
  /** How many events of a `sendBatch` were accepted before it failed. */
  accepted?: number
  /** What a schema said about an event. */
  issues?: ReadonlyArray<StandardSchemaV1.Issue>
  /** Why the stream ended or is ending; `'moved'` where another process sends to the session now. */
  reason?: EndReason | 'moved' | undefined
  /** Whether the same call may succeed later without a change. Default: that of the code. */
  retryable?: boolean
}

/** Every error that velo-stream itself raises. */
export class VeloError extends Error {
  /** Stable name of what went wrong. */
  readonly code: VeloErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean
  /** `id` of the stream it belongs to, where there is one. */
  declare readonly streamId?: string
  /** Path of the option at fault, with `VELO_CONFIG`. */
  declare readonly field?: string
  /** Events of a `sendBatch` that were accepted before it failed; those stay accepted. */
  declare readonly accepted?: number
  /** What the schema said, with `VELO_EVENT`. */
  declare readonly issues?: ReadonlyArray<StandardSchemaV1.Issue>
  /** Why the stream ended or is ending, with `VELO_CLOSED`; `'moved'`: another process sends to the session now. */
  declare readonly reason?: EndReason | 'moved'

  constructor(code: VeloErrorCode, message: string, options: VeloErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? known[code].retryable
    if (options.streamId !== undefined) this.streamId = options.streamId
    if (options.field !== undefined) this.field = options.field
    if (options.accepted !== undefined) this.accepted = options.accepted
    if (options.issues !== undefined) this.issues = options.issues
    if (options.reason !== undefined) this.reason = options.reason
  }
}

/** No place: `VELO_OVERLOADED` (a limit is reached), `VELO_OVERRUN` (too many sends wait) or `VELO_DRAINING` (shutting down). */
export class OverloadedError extends VeloError {}

/** The stream takes or gives nothing more: `VELO_ENDED` after `end()`, `VELO_CLOSED` otherwise; `cause` is the function's error if it failed. */
export class ClosedError extends VeloError {}

/** Something took too long: `VELO_TIMEOUT`, or `VELO_IDLE` for a source that fell silent. */
export class TimeoutError extends VeloError {}

/** The stream was aborted: `name` is `AbortError`, `code` is `VELO_ABORTED`, `cause` is the reason given. */
export class AbortError extends VeloError {
  constructor(message: string, options: VeloErrorOptions = {}) {
    super('VELO_ABORTED', message, options)
  }
}

/** An adapter of a broker cannot go on: `adapter` says which, `cause` is the error of the client. */
export class AdapterError extends VeloError {
  /** `'redis'`, ... */
  declare readonly adapter?: string

  constructor(code: VeloErrorCode, message: string, options: VeloErrorOptions & { adapter?: string } = {}) {
    super(code, message, options)
    if (options.adapter !== undefined) this.adapter = options.adapter
  }
}

// Names as people compare them: `error.name === 'AbortError'`. On the prototype, where Error keeps its own.
for (const kind of [VeloError, OverloadedError, ClosedError, TimeoutError, AbortError, AdapterError]) {
  Object.defineProperty(kind.prototype, 'name', { value: kind.name, configurable: true, writable: true })
}
