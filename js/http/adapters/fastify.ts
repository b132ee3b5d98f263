// `velo-stream/fastify`: the plug-in. `fastify.velo(fn, options)` makes a route handler; the body of its routes is handed over as it arrives.

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import plugin from 'fastify-plugin'
import type { StreamFunction } from '../../index.js'
import type { LogFailure } from '../../kit/sight/failure-report.js'
import type { AnyFunction } from '../exchange.js'
import { type HttpOptions, serviceOf } from '../options.js'
import { checkFunction, serveNode } from './handler.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Serves each request of a route with a stream of its own; see `handler` of `velo-stream/http`. The response is written past Fastify (`reply.hijack()`): headers set
     * on the reply before go out with it, hooks that change the payload do not run.
     *
     * Bodies come as they arrive, but for `application/json` and `text/plain`, which Fastify reads by itself: then the whole body is one event.
     *
     * @throws VeloError `VELO_CONFIG` when `fn` is no stream function, or an option is unknown or out of range.
     */
    velo<In, Out>(fn: StreamFunction<In, Out>, options?: HttpOptions<In, Out>): RouteHandlerMethod
  }
}

/** Route handlers that take the body as it arrives. */
const ours = new WeakSet<object>()
/** Marks their routes: what a request knows of its route is a bound copy of the handler. */
const OURS = Symbol('velo')

function register(fastify: FastifyInstance): Promise<void> {
  fastify.decorate('velo', routeHandler)
  fastify.addHook('onRoute', (route) => {
    if (ours.has(route.handler)) route.config = Object.assign({}, route.config, { [OURS]: true })
  })
  // Only types that nobody else has a parser for get here, and only our routes may have them: any other route refuses them as it did before.
  if (!fastify.hasContentTypeParser('*')) fastify.addContentTypeParser('*', (request, body, done) => handOver(request, body, done))
  return Promise.resolve()
}

function routeHandler<In, Out>(fn: StreamFunction<In, Out>, options: HttpOptions<In, Out> = {}): RouteHandlerMethod {
  const service = serviceOf(options, 'velo(options)')
  checkFunction(fn, 'velo(fn)')
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
    await serveNode(fn as unknown as AnyFunction, service, request.raw, reply.raw, request.body, logOf(request))
  }
  ours.add(handle)
  return handle
}

/** `request.log` of a Fastify that logs. Without one, its methods are all the same empty function. */
function logOf({ log }: FastifyRequest): LogFailure | undefined {
  return log.error === log.info ? undefined : (fields, message) => log.error(fields, message)
}

type Done = (error: Error | null, body?: unknown) => void

function handOver(request: FastifyRequest, body: unknown, done: Done): void {
  if (OURS in request.routeOptions.config) return done(null, body)
  // No route at all is found: that says more than the type.
  if (request.is404) return done(null)
  const message = `Unsupported Media Type: ${request.headers['content-type'] ?? ''}`
  done(Object.assign(new Error(message), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }))
}

export default plugin(register, { fastify: '5.x', name: 'velo-stream' })
