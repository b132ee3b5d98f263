// One request with a stream function between it and its response. Owns the order of things: what can be refused is refused before
// there is a stream.

import { randomUUID } from 'node:crypto'
import type { OpenOptions, Source, Stream, StreamFunction } from '../index.js'
import { ByteBudget } from '../kit/byte-budget.js'
import { pulled } from '../kit/pulled.js'
import { readerOf } from './in/intake.js'
import type { Asked } from './in/request.js'
import type { Service } from './options.js'
import { Delivery, headOnly, listener, refusing } from './out/delivery.js'
import { encoderFor } from './out/encoder.js'
import type { ResponseSink } from './out/sink.js'
import { SseEncoder } from './out/sse-out.js'
import { resumable, resume } from './resume/resumption.js'
import { Run, type Supply } from './stream/run.js'
import { shownId } from './stream/sessions.js'

export type AnyFunction = StreamFunction<never, unknown>

/** Serves one request. Resolves when the response is over. Never rejects. */
export async function exchange<Req>(fn: AnyFunction, service: Service, asked: Asked, req: Req, sink: ResponseSink): Promise<void> {
  const onError = listener(service.answer, req)
  let supply: Supply
  let stream: Stream<never, unknown> | undefined
  let budget: ByteBudget | undefined
  try {
    const encoder = encoderFor(service.answer, asked.headers)
    if (asked.method === 'HEAD') return await headOnly(sink, encoder, service.answer)
    const owner = service.replay > 0 ? (service.owner as ((req: Req) => string | undefined) | undefined)?.(req) : undefined
    if (service.replay > 0 && (await resume(fn, service, asked, sink, owner))) return
    supply = supplyOf(service, asked, req)
    const replayed = service.replay > 0 && encoder instanceof SseEncoder
    budget = new ByteBudget(service.maxBufferedBytes, (result) => (replayed ? encoder.body(result) : encoder.encode(result)))
    stream = open(fn, service, asked, req, budget)
    const run = new Run(service, stream, supply, budget)
    if (replayed) return await resumable(fn, service, run, sink, onError, owner)
    await run.deliver(fn, sink, new Delivery(sink, encoder, service.answer, { 'velo-stream': shownId(stream) }, budget), onError)
  } catch (error) {
    // What was begun is not left open: a body that keeps its listeners cannot be read past.
    if (supply !== undefined && 'reader' in supply) supply.reader.close()
    stream?.abort(error)
    budget?.release()
    onError(error)
    await refusing(sink, error, service.answer.expose)
  }
}

function supplyOf<Req>(service: Service, asked: Asked, req: Req): Supply {
  if (service.events !== undefined) return { source: (service.events as (req: Req) => Source<never>)(req) }
  if (asked.parsed !== undefined) return { source: [asked.parsed.event as never] }
  const reader = readerOf(asked, service.intake)
  return reader === null ? undefined : { reader }
}

function open<Req>(fn: AnyFunction, service: Service, asked: Asked, req: Req, budget: ByteBudget): Stream<never, unknown> {
  const { openOptions } = service
  const own = typeof openOptions === 'function' ? (openOptions as (req: Req) => OpenOptions)(req) : openOptions
  // Who comes back shows the id of the stream, so nobody else may guess it.
  const id = service.replay > 0 ? randomUUID() : undefined
  return fn.open(pulled({ id, headers: asked.headers, ...own }, budget))
}
