// velo-stream: stateful processing of short-lived streams. The root export stays small.

export type { VeloErrorCode, VeloErrorOptions } from './kit/errors.js'
export { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError } from './kit/errors.js'
export type {
  Codec,
  EndReason,
  FunctionMetrics,
  Generator,
  LatencyQuantiles,
  OpenOptions,
  RecvOptions,
  SignalOption,
  Snapshot,
  Source,
  StageMetrics,
  StreamContext,
  StreamEnd,
  StreamHeaders,
  StreamMetrics,
  StreamState,
  WorkerSnapshot,
} from './kit/types.js'
export type { StreamOptions, WorkersOptions } from './options.js'
export type { DrainOptions, RuntimeOptions } from './runtime.js'
export { runtime } from './runtime.js'
export type { Stream } from './stream.js'
export type { StreamFunction } from './stream-fn.js'
export { streamFn } from './stream-fn.js'
