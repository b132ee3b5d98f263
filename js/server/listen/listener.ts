// js/server/listen: sockets, connections and their limits. Knows nothing of functions and streams.
//
// The server of Node.js below: HTTP, HTTPS, or HTTP/2 beside HTTPS, with its timeouts.

import { createServer as createHttp, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Settings } from '../options.js'
import type { Connections } from './connections.js'
import { PlainRequest } from './other-protocol.js'

/** What a listener calls. */
export interface Listening {
  onRequest(req: IncomingMessage, res: ServerResponse): void
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Any of the three. */
export type NodeServer = HttpServer | Http2SecureServer

/** HTTP/2: requests of one connection at once. */
const MAX_H2_STREAMS = 256
/** HTTP/2: how long a connection without requests is kept, ms; it is dear to open and cheap to keep. */
const H2_IDLE_MS = 60_000

/** A server that does not listen yet. */
export function nodeServer(settings: Settings, connections: Connections, calls: Listening): NodeServer {
  const { tls, http2, headersTimeout, keepAliveTimeout } = settings
  const timeouts = {
    headersTimeout,
    keepAliveTimeout,
    // A body may take as long as its stream lives; see `bodyTimeout`.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(Math.max(Math.ceil(headersTimeout / 4), 20), 1000),
  }
  const asked = { ...timeouts, IncomingMessage: PlainRequest }
  const secure = { handshakeTimeout: headersTimeout, ...tls }
  const server = http2
    ? createSecureServer({
        ...secure,
        ...timeouts,
        Http1IncomingMessage: PlainRequest,
        allowHTTP1: true,
        settings: { maxConcurrentStreams: MAX_H2_STREAMS },
      })
    : tls === undefined
      ? createHttp(asked)
      : createHttps({ ...secure, ...asked })
  // The server for HTTP/2 takes these from its options only where its HTTP/1 side reads them late.
  if (http2) Object.assign(server, { headersTimeout, keepAliveTimeout, requestTimeout: 0 })
  const emitter = server as HttpServer
  // Its HTTP/1 side looks after no heads, and a session is not asked for one: a client has as long for its first request as for a head.
  /** A socket is ready to speak HTTP. */
  const ready = tls === undefined ? 'connection' : 'secureConnection'
  emitter.maxConnections = settings.maxConnections
  // None is left out, so that all see the same request: their size together is bounded.
  emitter.maxHeadersCount = 0
  emitter.on('connection', (socket: Socket) => connections.add(socket))
  emitter.on(ready, (socket: Socket) => connections.addPlain(socket, http2 ? headersTimeout : 0))
  if (http2)
    (server as Http2SecureServer).on('session', (session: Http2Session) => connections.addSession(session, H2_IDLE_MS, headersTimeout))
  emitter.on('request', calls.onRequest)
  emitter.on('checkContinue', calls.onRequest)
  emitter.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    connections.leave(socket)
    calls.onUpgrade(req, socket, head)
  })
  return server
}
