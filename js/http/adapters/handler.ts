// js/http/adapters: what Node.js, fetch and frameworks call. Owns no rule of its own.
//
// `handler(fn, options)`: a stream function as a handler of node:http, node:http2 and Express.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { StreamFunction } from '../../index.js'
import { callable, configError } from '../../kit/check.js'
import type { LogFailure } from '../../kit/sight/failure-report.js'
import { type AnyFunction, exchange } from '../exchange.js'
import { nodeRequest } from '../in/request.js'
import { type HttpOptions, type Service, serviceOf } from '../options.js'
import { NodeSink } from '../out/node-sink.js'

/** Serves a request; `next` is not called, because errors are answered here. The promise resolves when the response is over, and never rejects. */
export type Handler = (
  req: IncomingMessage | Http2ServerRequest,
  res: ServerResponse | Http2ServerResponse,
  next?: (error?: unknown) => void,
) => Promise<void>

/**
 * Serves each request with a stream of its own: its body becomes events, results become the response while they come.
 *
 * Backpressure goes from the socket of the response through the function to that of the request. Errors before the first byte become a status with a JSON body
 * `{ error: { code, message } }`; after it a last `error` event (SSE), a last line `{"error": ...}` (NDJSON) or a response that is cut off (raw).
 *
 * @example
 * app.post('/average', handler(average))
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no stream function, or an option is unknown or out of range.
 */
export function handler<In, Out>(fn: StreamFunction<In, Out>, options: HttpOptions<In, Out> = {}): Handler {
  const service = serviceOf(options, 'handler(options)')
  checkFunction(fn, 'handler(fn)')
  return (req, res) => serveNode(fn as unknown as AnyFunction, service, req as IncomingMessage, res)
}

/** `body`: what a framework made of the body, if it keeps that elsewhere than on the request. `log`: the framework's own. */
export function serveNode(
  fn: AnyFunction,
  service: Service,
  req: IncomingMessage,
  res: ServerResponse | Http2ServerResponse,
  body?: unknown,
  log?: LogFailure,
): Promise<void> {
  return exchange(fn, service, nodeRequest(req, body), req, new NodeSink(res, service.answer.maxStall), log)
}

export function checkFunction(fn: unknown, field: string): void {
  callable(fn, field)
  if (typeof (fn as { open?: unknown }).open !== 'function') throw configError(field, 'a stream function (streamFn(...))', fn)
}
