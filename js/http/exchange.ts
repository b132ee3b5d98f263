// One request with a stream function between it and its response. Owns the order of things: what can be refused is refused before
// there is a stream.

import type { Stream } from '../index.js'
import type { ByteBudget } from '../kit/bytes/byte-budget.js'
import { keepingOf } from '../kit/keeping/keeping.js'
import type { LogFailure } from '../kit/sight/failure-report.js'
import type { Asked } from './in/request.js'
import type { Service } from './options.js'
import { Delivery, failureReport, headOnly, refusing } from './out/delivery.js'
import { encoderFor } from './out/encoder.js'
import { isLeft } from './out/refusal.js'
import type { ResponseSink } from './out/sink.js'
import { SseEncoder } from './out/sse-out.js'
import { resume } from './resume/resume.js'
import { resumable } from './resume/resumption.js'
import { type AnyFunction, opened, supplyOf } from './stream/opening.js'
import { Run, type Supply } from './stream/run.js'
import { idHeader } from './stream/sessions.js'

export type { AnyFunction }

/** Serves one request. Resolves when the response is over. Never rejects. `log`: where failures go by default. */
export async function exchange<Req>(
  fn: AnyFunction,
  service: Service,
  asked: Asked,
  req: Req,
  sink: ResponseSink,
  log?: LogFailure,
): Promise<void> {
  const failures = failureReport(service.answer, req, fn.name, log)
  let supply: Supply
  let stream: Stream<never, unknown> | undefined
  let budget: ByteBudget | undefined
  try {
    const encoder = encoderFor(service.answer, asked.headers)
    if (asked.method === 'HEAD') return await headOnly(sink, encoder, service.answer)
    const owner = service.replay > 0 ? (service.owner as ((req: Req) => string | undefined) | undefined)?.(req) : undefined
    if (service.replay > 0 && (await resume(fn, service, asked, req, sink, owner, failures))) return
    supply = supplyOf(service, asked, req, 0)
    const replayed = service.replay > 0 && encoder instanceof SseEncoder
    const write = (result: unknown) => (replayed ? encoder.body(result) : encoder.encode(result))
    const confirms = replayed && keepingOf(fn) !== undefined
    ;({ stream, budget } = opened(fn, service, asked, req, write, { owner, confirms }))
    failures.stream = stream
    const run = new Run(service, stream, supply, budget)
    if (replayed) return await resumable(fn, service, run, sink, failures.report, owner)
    await run.deliver(fn, sink, new Delivery(sink, encoder, service.answer, idHeader(stream), budget), failures.report)
  } catch (error) {
    // What was begun is not left open: a body that keeps its listeners cannot be read past.
    if (supply !== undefined && 'reader' in supply) supply.reader.close()
    stream?.abort(error)
    budget?.release()
    if (!isLeft(error)) failures.report(error)
    await refusing(sink, error, service.answer.expose, stream && idHeader(stream))
  }
}
