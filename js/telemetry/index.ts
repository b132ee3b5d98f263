// js/telemetry: velo-stream/telemetry: the numbers of the process in the forms that monitoring systems take. Owns no number: they are counted in Rust. Knows nothing of
// servers.

export type { HistogramSample, Labels, MetricFamily, MetricSample } from './families.js'
export { type InstrumentOptions, instrument, type Uninstrument } from './instrument.js'
export { type MetricsIntoOptions, metricsInto, type PromClient, type PromMetric, type PromRegistry } from './metrics-into.js'
export { type MetricsTextOptions, metricsText, metricsType } from './metrics-text.js'
export { type ViewAnswer, type ViewAnswerOptions, type ViewRequest, viewAnswer } from './view/answer.js'
export type { ViewLatencies } from './view/latencies.js'
export { type Overview, overview, type ViewCounts, type ViewFunction, type ViewLatency } from './view/overview.js'
export {
  abortStream,
  type ListOptions,
  listStreams,
  type SortKey,
  type StreamChange,
  type StreamDetail,
  type StreamList,
  streamDetail,
} from './view/streams.js'
