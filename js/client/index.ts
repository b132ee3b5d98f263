// js/client: streams of a server as a browser or another Node.js sees them. Knows nothing of the root, of Rust, nor of Node.js: only what browsers have too.
//
// velo-stream/client: a WebSocket with events and results, and the results of a request as server-sent events; both come back after a cut.

export { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError, type VeloErrorCode } from '../kit/errors.js'
export type { ClientEnd } from './ends/end.js'
export type { ClientState } from './ends/state.js'
export { type Subscription, subscribe } from './events/subscribe.js'
export type { BackoffOptions } from './options/backoff.js'
export type { ConnectOptions } from './options/connect.js'
export type { SocketEvent, WebSocketClass, WebSocketLike } from './options/socket.js'
export type { FetchLike, RequestBody, SubscribeOptions } from './options/subscribe.js'
export { type Connection, connect } from './websocket/connect.js'
