// Asks the URL that each event is, and gives back what it answers. On either thread `fetch` takes the context along as instrumentations of it do: a listener of its channel writes
// the header.

import { subscribe } from 'node:diagnostics_channel'
import { isMainThread } from 'node:worker_threads'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { instrument } from 'velo-stream/telemetry'

if (!isMainThread) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  await instrument({ tracerProvider: new BasicTracerProvider() })
}

subscribe('undici:request:create', ({ request }) => {
  const { traceId, spanId } = trace.getSpanContext(context.active()) ?? {}
  if (traceId !== undefined) request.addHeader('traceparent', `00-${traceId}-${spanId}-01`)
})

export default async function* fetches(urls, ctx) {
  for await (const url of urls) yield await (await fetch(url, { signal: ctx.signal })).json()
}
