// js/server: stream functions as a service. Knows HTTP and WebSocket by their entry points only.
//
// `velo-stream/server`: stream functions as a service, over HTTP, server-sent events and WebSocket.

export type { Envelope } from './functions/envelope.js'
export type { AdminOptions, MetricsOptions, Servable, ServedFunction, ServedHttp, ServedSocketOptions, ServerOptions } from './options.js'
export type { Server } from './server.js'
export { createServer } from './server.js'
