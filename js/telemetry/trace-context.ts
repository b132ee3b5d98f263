// The context of a trace in the headers of a stream: `traceparent` and `tracestate`, as the W3C describes them.

import type { SpanContext } from '@opentelemetry/api'
import type { StreamHeaders } from '../index.js'

type Api = typeof import('@opentelemetry/api')

/** `00-<trace>-<span>-<flags>`; later versions may have more after that, and `ff` is none. */
const TRACEPARENT = /^(?:00-(?=.{52}$)|(?!00|ff)[0-9a-f]{2}-)([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/

/** What headers say of the span they come from; `undefined` where that is nothing, or garbage. */
export function sentIn(api: Api, headers: StreamHeaders | undefined): SpanContext | undefined {
  const value = headers?.traceparent
  const [, traceId, spanId, flags] = TRACEPARENT.exec(typeof value === 'string' ? value : '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const state = headers?.tracestate
  const traceState = typeof state === 'string' ? { traceState: api.createTraceState(state) } : {}
  const sent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...traceState }
  return api.isSpanContextValid(sent) ? sent : undefined
}

/** Writes them; what was said of another span goes. */
export function write(headers: Record<string, unknown>, { traceId, spanId, traceFlags, traceState }: SpanContext): void {
  headers.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const state = traceState?.serialize() ?? ''
  if (state !== '') headers.tracestate = state
  else delete headers.tracestate
}
