// velo-stream: stateful processing of short-lived streams. The root export stays small.

export type { StreamOptions } from './api/options.js'
export type { DrainOptions, RuntimeOptions } from './api/runtime.js'
export { runtime } from './api/runtime.js'
export type { Stream } from './api/stream.js'
export type { StreamFunction } from './api/stream-fn.js'
export { streamFn } from './api/stream-fn.js'
export type { Clock } from './kit/clock.js'
export type { VeloErrorCode, VeloErrorOptions } from './kit/errors.js'
export { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError } from './kit/errors.js'
export type {
  CallOptions,
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
  WebSource,
  WorkerSnapshot,
} from './kit/types.js'
export type { WorkersOptions } from './workers/options.js'
