// The names that OpenTelemetry gets: of spans, attributes and metrics, once for all. Where there is a semantic convention it is taken.

/** Of the tracer and the meter. */
export const SCOPE = 'velo-stream'

export const Attribute = {
  /** Id of the stream. */
  Stream: 'velo.stream.id',
  Function: 'velo.function.name',
  Placement: 'velo.placement',
  /** How it ended. */
  Reason: 'velo.stream.close.reason',
  EventsDropped: 'velo.stream.events.dropped',
  ResultsDropped: 'velo.stream.results.dropped',
  Detached: 'velo.stream.detached',
  /** Of the semantic conventions: code or class of an error. */
  ErrorType: 'error.type',
} as const

export const Event = { Start: 'velo.stream.start', FirstResult: 'velo.stream.first_result', End: 'velo.stream.end' } as const

export const spanName = (fn: string) => `stream ${fn}`

/** `velo_streams_open` is `velo.streams.open`; a unit at its end is told apart. */
export function metricName(name: string): { name: string; unit: string } {
  const [, start, suffix] = /^(.*?)(?:_(seconds|bytes|ratio))?$/.exec(name) ?? []
  const unit = suffix === 'seconds' ? 's' : suffix === 'bytes' ? 'By' : '1'
  return { name: (start ?? name).replaceAll('_', '.'), unit }
}

/** `function` is `velo.function.name`, and so on. */
const OF_LABELS: Readonly<Record<string, string>> = {
  function: Attribute.Function,
  placement: Attribute.Placement,
  reason: Attribute.Reason,
  state: 'velo.stream.state',
  thread: 'thread.id',
  stage: 'velo.stage.name',
  journal: 'velo.journal.path',
  le: 'velo.bound',
}

export function attributesOf(labels: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [OF_LABELS[label] ?? label, value]))
}
