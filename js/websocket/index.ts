// js/websocket: a stream as a WebSocket. Knows nothing of HTTP, nor of which functions there are.
//
// velo-stream/websocket: one connection of `ws` is one stream.

export type { FailureInfo, OnError } from '../kit/sight/failure-report.js'
export type { OnDisconnect, ResumeRequest, SocketOptions } from './options.js'
export type { SocketEnd } from './peer.js'
export type { ServedSocket } from './serve.js'
export { serveSocket } from './serve.js'
export type { SocketData, SocketLike } from './socket.js'
