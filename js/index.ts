// velo-stream: stateful processing of short-lived streams. The root export stays small.

export type { ConsumeOptions } from './api/consume/consume.js'
export { consume } from './api/consume/consume.js'
export type { AckSource, Consumed, Joined, Part, PartedSource, Sink } from './api/consume/contract.js'
export type { Durable } from './api/keeping/durability.js'
export type { FunctionOptions, StateOptions, StreamOptions } from './api/options.js'
export type { Recovered, RecoverOptions } from './api/recover.js'
export type { DrainOptions, RuntimeOptions } from './api/runtime.js'
export { runtime } from './api/runtime.js'
export type { InspectOptions } from './api/sight/inspect.js'
export type { Stream } from './api/stream.js'
export type { StreamFunction } from './api/stream-fn.js'
export { streamFn } from './api/stream-fn.js'
export type { StuckStream } from './engine/tracing.js'
export type { Clock } from './kit/clock.js'
export type { RetryOptions } from './kit/effects/retry.js'
export type { VeloErrorCode, VeloErrorOptions } from './kit/errors.js'
export { AbortError, AdapterError, ClosedError, OverloadedError, TimeoutError, VeloError } from './kit/errors.js'
export type { Exposed, ExposeOptions } from './kit/sight/exposed.js'
export type { StreamInspection, WaitingFor } from './kit/sight/inspection.js'
export type { Log, LogFields } from './kit/sight/log.js'
export type {
  CallOptions,
  Codec,
  EffectOptions,
  EndReason,
  FunctionMetrics,
  JournalMetrics,
  LatencyQuantiles,
  OpenOptions,
  Position,
  RecvOptions,
  Resumed,
  RunOptions,
  SignalOption,
  Snapshot,
  Source,
  SourceFrom,
  StageMetrics,
  StatefulGenerator,
  StreamContext,
  StreamEnd,
  StreamGenerator,
  StreamHeaders,
  StreamMetrics,
  StreamState,
  UnfinishedStream,
  ValueIterator,
  WebSource,
  WorkerSnapshot,
} from './kit/types.js'
export type { WorkersOptions } from './workers/options.js'
