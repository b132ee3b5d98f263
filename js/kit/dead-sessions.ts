// Sessions of HTTP/2 that have ended without an event, on Node.js 20: a frame that breaks the protocol (DATA with bad padding, above the maximum, on stream 0) makes nghttp2 send GOAWAY
// and stop. The socket is read no more, so nobody learns that the client is gone, and streams stay open for ever. Later lines destroy such a session themselves.
//
// A session that lives writes a ping at once; one that has stopped never does. It is sent once after the client has become silent, because only what is received can end a session so.

import type { Http2Session } from 'node:http2'

/** ms between two looks. */
const LOOK_MS = 1000

const isNeeded = Number(process.versions.node.split('.')[0]) < 22

interface Look {
  /** What had been received. */
  bytes: number
  /** The session lives, and has received nothing since. */
  isAlive: boolean
}

const sessions = new Map<Http2Session, Look>()
let timer: NodeJS.Timeout | undefined

/** Destroys the session soon after it has stopped. */
export function watchSession(session: Http2Session | undefined): void {
  if (!isNeeded || session === undefined || session.destroyed || sessions.has(session)) return
  sessions.set(session, { bytes: 0, isAlive: false })
  session.once('close', () => sessions.delete(session))
  timer ??= setInterval(lookAtAll, LOOK_MS).unref()
}

function lookAtAll(): void {
  for (const [session, look] of sessions) {
    const { bytesRead } = session.socket
    if (bytesRead !== look.bytes) Object.assign(look, { bytes: bytesRead, isAlive: false })
    else if (!look.isAlive) probe(session, look)
  }
  if (sessions.size > 0) return
  clearInterval(timer)
  timer = undefined
}

function probe(session: Http2Session, look: Look): void {
  session.ping(() => {
    if (!session.destroyed) Object.assign(look, { bytes: session.socket.bytesRead, isAlive: true })
  })
  // Node.js writes in an immediate of its own.
  setImmediate(() => setImmediate(() => isStopped(session) && session.destroy()))
}

/** The ping has not been written, although nothing is before it. */
function isStopped(session: Http2Session): boolean {
  if (session.destroyed) return false
  const { _handle: handle } = session.socket as { readonly _handle?: { readonly writeQueueSize?: number } }
  return (session.state.outboundQueueSize ?? 0) > 0 && handle?.writeQueueSize === 0
}
