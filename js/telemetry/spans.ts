// A span of OpenTelemetry for each stream: its parent is what is active where the stream is opened, else what the header `traceparent` says, to which it is linked in any case. Its
// function runs in its context, and finds its own `traceparent` in `ctx.headers`, which reach a worker thread too.

import type { Context, Span, SpanContext, Tracer, TracerProvider } from '@opentelemetry/api'
import type { StreamEnd, StreamHeaders } from '../index.js'
import { headersIn } from '../kit/sight/headers.js'
import type { Opening, StreamSpan, StreamTracer } from '../kit/sight/stream-tracer.js'
import { Attribute, Event, SCOPE, spanName } from './conventions.js'
import { Harmless } from './harmless.js'
import { sentIn, write } from './trace-context.js'

type Api = typeof import('@opentelemetry/api')
/** Of this stream alone: what is written into them nobody else sees. */
type Headers = Record<string, StreamHeaders[string]>

export class Spans implements StreamTracer {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #harmless = new Harmless()

  constructor(api: Api, provider: TracerProvider) {
    this.#api = api
    this.#tracer = provider.getTracer(SCOPE)
  }

  open(opening: Opening): StreamSpan | undefined {
    return this.#harmless.attempt(() => this.#opened(opening))
  }

  arrive<Value>(headers: StreamHeaders, work: () => Value): Value {
    const context = this.#harmless.attempt(() => {
      const sent = sentIn(this.#api, headers)
      return sent && this.#extracted(this.#api.context.active(), headers, sent)
    })
    return context === undefined ? work() : within(this.#api, this.#harmless, context, work)
  }

  #opened({ name, placement, headers: given }: Opening): StreamSpan {
    const { context, trace, SpanKind } = this.#api
    // One that throws is no reason for a stream without a span, still less for a span without an end.
    const headers = Object.fromEntries(headersIn(given ?? {}))
    const sent = sentIn(this.#api, headers)
    const active = context.active()
    const parent = sent === undefined || trace.getSpan(active) !== undefined ? active : this.#extracted(active, headers, sent)
    const span = this.#tracer.startSpan(
      spanName(name),
      {
        kind: SpanKind.INTERNAL,
        attributes: { [Attribute.Function]: name, [Attribute.Placement]: placement },
        ...(sent === undefined ? {} : { links: [{ context: sent }] }),
      },
      parent,
    )
    return new OneSpan(this.#api, this.#harmless, span, trace.setSpan(parent, span), headers)
  }

  #extracted(from: Context, headers: StreamHeaders, sent: SpanContext): Context {
    const { propagation, trace } = this.#api
    return trace.setSpanContext(propagation.extract(from, headers), sent)
  }
}

/** Does something in a context: once, whatever becomes of the context. */
function within<Value>(api: Api, harmless: Harmless, context: Context, work: () => Value): Value {
  let begun = false
  try {
    return api.context.with(context, () => {
      begun = true
      return work()
    })
  } catch (error) {
    if (begun) throw error
    harmless.tell(error)
    return work()
  }
}

class OneSpan implements StreamSpan {
  readonly headers: StreamHeaders
  readonly #api: Api
  readonly #harmless: Harmless
  readonly #span: Span
  readonly #context: Context

  constructor(api: Api, harmless: Harmless, span: Span, context: Context, headers: Headers) {
    this.#api = api
    this.#harmless = harmless
    this.#span = span
    this.#context = context
    const own = span.spanContext()
    // Whatever else the propagators of the process write, baggage for one.
    harmless.attempt(() => api.propagation.inject(context, headers))
    write(headers, own)
    this.headers = headers
  }

  within<Value>(work: () => Value): Value {
    return within(this.#api, this.#harmless, this.#context, work)
  }

  opened(id: string): void {
    this.#harmless.attempt(() => this.#span.setAttribute(Attribute.Stream, id).addEvent(Event.Start))
  }

  refused(error: unknown): void {
    this.#harmless.attempt(() => this.#failed(error))
    this.#harmless.attempt(() => this.#span.end())
  }

  firstResult(): void {
    this.#harmless.attempt(() => this.#span.addEvent(Event.FirstResult))
  }

  ended(end: StreamEnd): void {
    this.#harmless.attempt(() => this.#told(end))
    this.#harmless.attempt(() => this.#span.end())
  }

  #told({ reason, error, dropped, detached }: StreamEnd): void {
    this.#span.setAttributes({
      [Attribute.Reason]: reason,
      [Attribute.EventsDropped]: dropped.events,
      [Attribute.ResultsDropped]: dropped.results,
      [Attribute.Detached]: detached,
    })
    if (reason === 'failed') this.#failed(error)
    this.#span.addEvent(Event.End)
  }

  #failed(error: unknown): void {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    const type = [code, name].find((one) => typeof one === 'string') as string | undefined
    this.#span.setAttribute(Attribute.ErrorType, type ?? typeof error)
    if (error instanceof Error) this.#span.recordException(error)
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, ...(error instanceof Error ? { message: error.message } : {}) })
  }
}
