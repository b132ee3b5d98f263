// `respond(res, results, options)`: the second half of a handler alone.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Source } from '../../index.js'
import { answerOf, type RespondOptions } from '../options.js'
import { Delivery, failureReport, headOnly } from '../out/delivery.js'
import { encoderFor } from '../out/encoder.js'
import { NodeSink } from '../out/node-sink.js'
import { resultsOf } from '../out/results.js'

/**
 * Writes results to a response of Node while they come, with backpressure, in the format that the options or the request's Accept header say. When the client goes away,
 * the source is closed (`return()`). Errors of the source are told to the client as `handler` tells them, and reported as there.
 *
 * Resolves when the response is over, also for a client that is gone. Rejects with `VELO_CONFIG` when an option is unknown or out of range.
 *
 * @example
 * app.post('/average', (req, res) => respond(res, average(eventsFrom(req))))
 */
export async function respond<Out>(
  res: ServerResponse | Http2ServerResponse,
  results: Source<Out>,
  options: RespondOptions<Out> = {},
): Promise<void> {
  const answer = answerOf(options, 'respond(options)')
  const sink = new NodeSink(res, answer.maxStall)
  const encoder = encoderFor(answer, res.req?.headers ?? {})
  const reader = resultsOf(results, encoder)
  if (res.req?.method === 'HEAD') {
    await Promise.all([reader.leave(), headOnly(sink, encoder, answer)])
    return
  }
  const delivery = new Delivery(sink, encoder, answer)
  sink.onGone = () => {
    delivery.gone()
    void reader.leave()
  }
  if (sink.isGone) return sink.onGone()
  const req = res.req as IncomingMessage | undefined
  if (req === undefined || req.complete) delivery.inputEnded()
  else req.once('end', () => delivery.inputEnded())
  await delivery.all(reader, failureReport(answer, res.req).report)
}
