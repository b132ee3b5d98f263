// A span of OpenTelemetry for each stream: its parent is what is active where the stream is opened, else what the header `traceparent` says, to which it is linked in any case. Its
// function runs in its context, and finds its own `traceparent` in `ctx.headers`, which reach a worker thread too.

import type { Context, Span, SpanContext, Tracer, TracerProvider } from '@opentelemetry/api'
import type { StreamEnd, StreamHeaders } from '../index.js'
import type { Opening, StreamSpan, StreamTracer } from '../kit/sight/stream-tracer.js'
import { Attribute, Event, SCOPE, spanName } from './conventions.js'

type Api = typeof import('@opentelemetry/api')

/** `00-<trace>-<span>-<flags>`. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/

export class Spans implements StreamTracer {
  readonly #api: Api
  readonly #tracer: Tracer

  constructor(api: Api, provider: TracerProvider) {
    this.#api = api
    this.#tracer = provider.getTracer(SCOPE)
  }

  open({ name, placement, headers }: Opening): StreamSpan {
    const { context, trace, SpanKind } = this.#api
    const sent = this.#sent(headers)
    const active = context.active()
    const parent = sent === undefined || trace.getSpan(active) !== undefined ? active : this.#extracted(active, headers ?? {}, sent)
    const span = this.#tracer.startSpan(
      spanName(name),
      {
        kind: SpanKind.INTERNAL,
        attributes: { [Attribute.Function]: name, [Attribute.Placement]: placement },
        ...(sent === undefined ? {} : { links: [{ context: sent }] }),
      },
      parent,
    )
    return new OneSpan(this.#api, span, trace.setSpan(parent, span), headers)
  }

  arrive<Value>(headers: StreamHeaders, work: () => Value): Value {
    const { context } = this.#api
    const sent = this.#sent(headers)
    return sent === undefined ? work() : context.with(this.#extracted(context.active(), headers, sent), work)
  }

  #extracted(from: Context, headers: StreamHeaders, sent: SpanContext): Context {
    const { propagation, trace } = this.#api
    return trace.setSpanContext(propagation.extract(from, headers), sent)
  }

  #sent(headers: StreamHeaders | undefined): SpanContext | undefined {
    const value = headers?.traceparent
    const [, traceId, spanId, flags] = TRACEPARENT.exec(typeof value === 'string' ? value : '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
    const sent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
    return this.#api.isSpanContextValid(sent) ? sent : undefined
  }
}

class OneSpan implements StreamSpan {
  readonly headers: StreamHeaders
  readonly #api: Api
  readonly #span: Span
  readonly #context: Context

  constructor(api: Api, span: Span, context: Context, given: StreamHeaders | undefined) {
    this.#api = api
    this.#span = span
    this.#context = context
    const headers: Record<string, string | readonly string[] | undefined> = { ...given }
    const { traceId, spanId, traceFlags } = span.spanContext()
    // Whatever else the propagators of the process write, baggage for one.
    api.propagation.inject(context, headers)
    headers.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
    this.headers = headers
  }

  within<Value>(work: () => Value): Value {
    return this.#api.context.with(this.#context, work)
  }

  opened(id: string): void {
    this.#span.setAttribute(Attribute.Stream, id)
    this.#span.addEvent(Event.Start)
  }

  refused(error: unknown): void {
    this.#failed(error)
    this.#span.end()
  }

  firstResult(): void {
    this.#span.addEvent(Event.FirstResult)
  }

  ended({ reason, error, dropped, detached }: StreamEnd): void {
    this.#span.setAttributes({
      [Attribute.Reason]: reason,
      [Attribute.EventsDropped]: dropped.events,
      [Attribute.ResultsDropped]: dropped.results,
      [Attribute.Detached]: detached,
    })
    if (reason === 'failed') this.#failed(error)
    this.#span.addEvent(Event.End)
    this.#span.end()
  }

  #failed(error: unknown): void {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    const type = [code, name].find((one) => typeof one === 'string') as string | undefined
    this.#span.setAttribute(Attribute.ErrorType, type ?? typeof error)
    if (error instanceof Error) this.#span.recordException(error)
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, ...(error instanceof Error ? { message: error.message } : {}) })
  }
}
