// `toResponse(fn, request, options)`: a stream function for fetch: Hono, and all that takes a Request and wants a Response.

import type { StreamFunction } from '../../index.js'
import { type AnyFunction, exchange } from '../exchange.js'
import { webRequest } from '../in/request.js'
import { type HttpOptions, serviceOf } from '../options.js'
import { WebSink } from '../out/web-sink.js'
import { checkFunction } from './handler.js'

/**
 * Serves the request with a stream of its own; see `handler`. Resolves when the head of the response is known: with the first result, or an error.
 *
 * @example
 * app.post('/average', (c) => toResponse(average, c.req.raw))
 *
 * @throws VeloError `VELO_CONFIG` (as a rejection) when `fn` is no stream function, or an option is unknown or out of range.
 */
export async function toResponse<In, Out>(
  fn: StreamFunction<In, Out>,
  request: Request,
  options: HttpOptions<In, Out, Request> = {},
): Promise<Response> {
  const service = serviceOf(options, 'toResponse(options)')
  checkFunction(fn, 'toResponse(fn)')
  const sink = new WebSink(request, service.answer.maxStall)
  void exchange(fn as unknown as AnyFunction, service, webRequest(request), request, sink)
  return sink.response
}
