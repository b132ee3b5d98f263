// Tells the context in which it runs. On a worker thread it has OpenTelemetry of its own.

import { isMainThread } from 'node:worker_threads'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { instrument } from 'velo-stream/telemetry'

if (!isMainThread) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  await instrument({ tracerProvider: new BasicTracerProvider() })
}

export default async function* traced(events, ctx) {
  for await (const _ of events) {
    const { traceId, spanId } = trace.getSpanContext(context.active()) ?? {}
    yield { active: { traceId, spanId }, header: ctx.headers.traceparent, accept: ctx.headers.accept }
  }
}
