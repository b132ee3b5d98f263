// serveSocket: options checked, a stream opened or found again, and the handle of one connection.

import type { IncomingMessage } from 'node:http'
import type { Stream, StreamFunction } from '../index.js'
import { configError } from '../kit/check.js'
import { isClientId } from '../kit/keeping/client-ids.js'
import { keepingOf } from '../kit/keeping/keeping.js'
import { FailureReport } from '../kit/sight/failure-report.js'
import { AGAIN, GONE, isCloseCode, verdictOfRefusal } from './codes.js'
import { type ResumeRequest, type Settings, type SocketOptions, settingsOf } from './options.js'
import { Peer, type SocketEnd } from './peer.js'
import { Session } from './session.js'
import { sessionOf } from './sessions.js'
import { CLOSED, type SocketLike } from './socket.js'

/** One connection and its stream. */
export interface ServedSocket<In, Out> {
  /** The stream; none where it was refused, or where there is nothing to resume. */
  readonly stream: Stream<In, Out> | undefined
  /** What the client needs to come back, with `onDisconnect: { graceMs }`. */
  readonly token: string | undefined
  /** Whether the client came back to a stream that it had opened before. */
  readonly resumed: boolean
  /** Resolves once, when the connection is gone. Never rejects. The stream may live on: see `stream.closed`. */
  readonly closed: Promise<SocketEnd>
  /** Resolves once, when the client is gone and not coming back: nothing is kept for it any more. Never rejects. */
  readonly over: Promise<unknown>
  /**
   * For a server that stops: takes no more events, lets the function finish and its results go out, then closes with 1001. Ends a grace at once. A durable stream with a grace is closed
   * instead, with 1012, and kept for the next process.
   */
  drain(): void
  /** Aborts the stream and closes the connection with this code and reason. Default: 1000, `closed`. Throws `VELO_CONFIG` for what is no close code. */
  close(code?: number, reason?: string): void
}

/**
 * Serves one connection of `ws` with one stream: messages are its events, its results are messages, and the end of either ends the other.
 *
 * A quiet client is no end: there is no idle timeout unless the function sets `idleTimeout`, and then the close code says so; pings are no events. The heartbeat finds those that are gone.
 *
 * Messages that come before this call are lost: call it in the listener of `connection`, or pause the socket until then. Compression is up to the server; leave
 * `perMessageDeflate` off, as `ws` does, unless bandwidth is dearer than processor and memory.
 *
 * | code | when |
 * |---|---|
 * | 1000 | the function has finished (`done`), or the server closed the stream (`closed`) |
 * | 1001 | `draining`: the server stops |
 * | 1003 | a binary message, where none are taken |
 * | 1007 | a message that is no JSON, or that the schema refuses |
 * | 1008 | `limit`: no place for the stream, `maxDuration` or `maxStall` of the function, a message after the `endMessage` |
 * | 1009 | a message larger than `maxMessage` |
 * | 1011 | the function failed, or the stream was aborted |
 * | 1012 | `restart`: the stream is durable and kept; come back with its token |
 * | 1013 | `try again later`: the same; an event could not be kept, or the stream is still being closed |
 * | 4408 | `idle`: nothing came for the `idleTimeout` that the function sets |
 * | 4409 | `replaced`: the client has resumed on another connection |
 * | 4410 | `gone`: there is nothing to resume, start anew |
 *
 * With `onDisconnect: { graceMs }` the first frame of each connection is `{"velo":{"token":"...","received":n}}`. A client that was cut off connects again with
 * `?resume=<token>&last=<results it has got>`, sends its messages after the first `n` again, and gets the results after `last`: nothing is missing, nothing comes twice. One that says
 * `acks=1` there gets such a frame now and then while it is connected, so that it need not keep what has arrived; it counts as no result.
 *
 * Where the function is durable, the same goes for a process that died: the token is the id of the stream, `n` counts the messages that the journal has, and a result is delivered when
 * its client says that it has it, by a pong or as it comes back. With an `id` of your own the stream is kept, and coming back to it in another process is up to you.
 *
 * @example
 * new WebSocketServer({ server, maxPayload: 65536 }).on('connection', (socket, request) => {
 *   serveSocket(socket, runningAverage, { request, maxMessage: 65536 })
 * })
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range, or `socket` is none of `ws`. A refused stream does not throw: it closes the socket.
 */
export function serveSocket<In, Out>(socket: SocketLike, fn: StreamFunction<In, Out>, options: SocketOptions = {}): ServedSocket<In, Out> {
  checkSocket(socket)
  if (typeof fn !== 'function' || typeof fn.open !== 'function') throw configError('serveSocket(fn)', 'a stream function', fn)
  const settings = settingsOf(options)
  const peer = new Peer(socket, settings)
  if (socket.readyState === CLOSED) return refused(peer)
  // A message that is passed over would have no number after a restart.
  if (settings.onMalformed === 'skip' && settings.onDisconnect === 'grace' && keepingOf(fn) !== undefined)
    throw configError('serveSocket(options).onMalformed', "'fail' beside { graceMs } where the function is durable", settings.onMalformed)
  const handle = settings.resume === undefined ? opened(peer, fn, settings) : resume(peer, fn, settings, settings.resume)
  reportFailures(peer, handle.stream, new FailureReport(settings.onError, settings.request, fn.name))
  return handle
}

function opened<In, Out>(peer: Peer, fn: StreamFunction<In, Out>, settings: Settings): ServedSocket<In, Out> {
  let session: Session<In, Out>
  try {
    session = new Session(fn, settings)
  } catch (error) {
    peer.close(verdictOfRefusal(error))
    return refused(peer)
  }
  session.attach(peer, 0)
  return served(session, peer, false)
}

function resume<In, Out>(peer: Peer, fn: StreamFunction<In, Out>, settings: Settings, asked: ResumeRequest): ServedSocket<In, Out> {
  const { token, last } = asked
  const isKept = keepingOf(fn) !== undefined && settings.id === undefined && isClientId(token, settings.owner)
  // The same function has the same types.
  const session = sessionOf(token, fn, settings.owner) as Session<In, Out> | undefined
  if (session?.attach(peer, last)) return served(session, peer, true)
  const isPossible = isKept && Number.isSafeInteger(last) && last >= 0
  if (isPossible && session === undefined) return reopened(peer, fn, settings, asked)
  // What this process has let go of the journal still has.
  if (isPossible) session?.leave(AGAIN)
  peer.close(isPossible ? AGAIN : { code: GONE, reason: 'gone' })
  return refused(peer)
}

/** A durable stream of another process goes on here, if there is one. */
function reopened<In, Out>(peer: Peer, fn: StreamFunction<In, Out>, settings: Settings, asked: ResumeRequest): ServedSocket<In, Out> {
  let session: Session<In, Out>
  try {
    session = new Session(fn, settings, asked)
  } catch (error) {
    // It is open here all the same, and ends.
    const isInUse = (error as { code?: unknown }).code === 'VELO_CONFIG'
    peer.close(isInUse ? AGAIN : verdictOfRefusal(error))
    return refused(peer)
  }
  session.attach(peer, asked.last)
  return served(session, peer, false)
}

type Failures = FailureReport<IncomingMessage | undefined>

/** Those of streams that are open: all connections of one stream share its report. */
const reports = new WeakMap<object, Failures>()

function reportFailures(peer: Peer, stream: Stream<never, unknown> | undefined, own: Failures): void {
  const failures = (stream && reports.get(stream)) ?? own
  if (stream !== undefined && failures === own) {
    own.stream = stream
    reports.set(stream, own)
    // Reported now: the client may be away, or slow to read the results before it.
    void stream.closed.then(({ reason, error }) => reason === 'failed' && own.report(error))
  }
  void peer.closed.then(() => peer.failure !== undefined && failures.report(peer.failure))
}

function served<In, Out>(session: Session<In, Out>, peer: Peer, resumed: boolean): ServedSocket<In, Out> {
  return {
    stream: session.stream,
    token: session.token,
    resumed,
    closed: peer.closed,
    over: session.over,
    drain: () => {
      if (session.isOf(peer)) session.drain()
    },
    close: (code = 1000, reason = 'closed') => {
      const verdict = closeVerdict(code, reason)
      if (session.isOf(peer)) session.stop(verdict)
    },
  }
}

/** A connection without a stream: it is closing already. */
function refused<In, Out>(peer: Peer): ServedSocket<In, Out> {
  const close = (code = 1000, reason = 'closed') => void closeVerdict(code, reason)
  return { stream: undefined, token: undefined, resumed: false, closed: peer.closed, over: peer.closed, drain: () => {}, close }
}

function closeVerdict(code: number, reason: string): { code: number; reason: string } {
  if (!isCloseCode(code)) throw configError('close(code)', 'a close code', code)
  if (typeof reason !== 'string') throw configError('close(code, reason)', 'a string', reason)
  return { code, reason }
}

const METHODS = ['on', 'off', 'send', 'ping', 'pause', 'resume', 'close', 'terminate'] as const

function checkSocket(socket: SocketLike): void {
  const isOne = typeof socket === 'object' && socket !== null && METHODS.every((name) => typeof socket[name] === 'function')
  if (!isOne) throw configError('serveSocket(socket)', 'a WebSocket of the library ws', socket)
  // Its bytes could be had by waiting only, which would let the next message pass it.
  if (socket.binaryType === 'blob')
    throw configError('serveSocket(socket).binaryType', "'nodebuffer', 'arraybuffer' or 'fragments'", socket.binaryType)
  if (socket.readyState === 0) throw configError('serveSocket(socket)', 'an open socket', 'one that connects')
}
