// One stream and its client, over one connection or, where it may resume, over several. Owns: what an event, a result, a cut and an end on one
// side mean for the other. A durable stream with a grace goes on in another process: its client comes back with the id of the stream, a message has arrived when it is kept, and a
// result is delivered when its client has it.

import { AbortError, ClosedError, type Stream, type StreamEnd, type StreamFunction, VeloError } from '../index.js'
import { ByteBudget, type Encoded, sizeOf, Unwritable } from '../kit/bytes/byte-budget.js'
import { standingOf } from '../kit/bytes/standing.js'
import { pulled } from '../kit/iteration/pulled.js'
import { clientId } from '../kit/keeping/client-ids.js'
import { keepingOf } from '../kit/keeping/keeping.js'
import { hasMoved } from '../kit/keeping/moved.js'
import { silence } from '../kit/promises.js'
import { builtin } from '../kit/start/builtin.js'
import { AGAIN, faultOf, GONE, REPLACED, RESTART, type Verdict, verdictOfEnd } from './codes.js'
import { deliver } from './deliver.js'
import { bytesOfMessage, type Frame, frameOf } from './frames.js'
import { Inbox, type InboxOwner, isNotKept } from './inbox.js'
import { messageOf } from './message.js'
import type { ResumeRequest, Settings } from './options.js'
import type { Peer, PeerOwner, SocketEnd } from './peer.js'
import { Receipts } from './receipts.js'
import { Replay } from './replay.js'
import { forget, hasEnded, isBack, remember } from './sessions.js'
import type { SocketData } from './socket.js'

export class Session<In, Out> implements InboxOwner, PeerOwner {
  readonly fn: StreamFunction<In, Out>
  readonly owner: string | undefined
  readonly stream: Stream<In, Out>
  readonly token: string | undefined
  readonly #settings: Settings
  readonly #inbox: Inbox<In>
  readonly #budget: ByteBudget
  readonly #replay: Replay | undefined
  readonly #receipts: Receipts | undefined
  #peer: Peer | undefined
  /** Its client may come back to another process. */
  readonly #isKept: boolean
  /** The journal was read, where there is one. Before that a client waits, which has got so many results. */
  #isReady: boolean
  #last = 0
  /** Messages taken, over all connections. */
  #received = 0
  /** Messages that are on their way into the journal, and that the client says again. */
  #again = 0
  #isEnded = false
  #isDraining = false
  /** Another process will have the stream. */
  #isLeft = false
  /** What the client is told at the end, once it is known. */
  #verdict: Verdict | undefined
  #grace: NodeJS.Timeout | undefined
  #isOver: () => void = () => {}
  /** Resolves when its client is not coming back: nothing is kept for it any more. */
  readonly over = new Promise<void>((resolve) => void (this.#isOver = resolve))

  /** Throws what `open` throws. `back`: the client had the stream in another process. */
  constructor(fn: StreamFunction<In, Out>, settings: Settings, back?: ResumeRequest) {
    const { onDisconnect, owner, headers, signal } = settings
    this.fn = fn
    this.owner = owner
    this.#settings = settings
    this.#isKept = onDisconnect === 'grace' && keepingOf(fn) !== undefined
    this.#isReady = !this.#isKept
    this.#budget = new ByteBudget(settings.maxBufferedBytes, (result) => frameOf(result, settings))
    this.#budget.confirms = this.#isKept
    const own = this.#isKept && settings.id === undefined ? (back?.token ?? clientId(owner)) : undefined
    try {
      this.stream = fn.open(pulled({ id: own ?? settings.id, headers, signal }, this.#budget))
    } catch (error) {
      this.#budget.release()
      throw error
    }
    this.#inbox = new Inbox<In>(this.stream, this, this.#budget, settings, this.#isKept)
    if (onDisconnect === 'grace') {
      this.token = own ?? builtin('node:crypto').randomBytes(18).toString('base64url')
      this.#replay = new Replay(settings.resumeBuffer, this.#budget, settings.maxBufferedBytes >> 1)
      this.#receipts = new Receipts(this.token)
      remember(this)
    }
    // Results may be unread after the function has finished, and the function may go on when its client is gone.
    void Promise.all([this.stream.closed, this.over]).then(() => this.#budget.release())
    if (this.#isReady) void this.#deliver()
    else void this.#begin(back !== undefined)
    void this.stream.closed.then((end) => this.#ended(end))
  }

  /** Goes on with this connection, whose client has got `last` results; false where it would miss some. */
  attach(peer: Peer, last: number): boolean {
    if (this.#isReady && this.#replay?.reaches(last) === false) return false
    this.#replaceBy(peer)
    peer.open(this)
    this.#last = last
    if (this.#isReady) this.#join(peer, last)
    else peer.hold()
    return true
  }

  /** The client is told where it is, and gets what it missed. */
  #join(peer: Peer, last: number): void {
    if (this.#inbox.isHeld) peer.hold()
    else peer.release()
    if (this.#receipts === undefined) return
    this.#again = this.#received - this.#receipts.received
    this.#receipts.greet(peer)
    this.#replay?.attach(peer, last)
  }

  /** Waits for the journal. Never rejects. */
  async #begin(isBack: boolean): Promise<void> {
    const standing = await standingOf(this.stream, this.#budget).catch(() => undefined)
    if (this.#isLeft) return
    this.#isReady = true
    if (isBack && standing?.isNew === true) return this.stop({ code: GONE, reason: 'gone' })
    const { events, results, isEnded } = standing ?? { events: 0, results: 0, isEnded: false }
    // A client that is new to a stream counts from the beginning of its connection.
    this.#received = isBack ? events : 0
    this.#isEnded = isEnded
    this.#receipts?.begin(this.#received)
    this.#replay?.begin(isBack ? results : 0, results)
    const peer = this.#peer
    if (peer !== undefined && this.#replay?.reaches(this.#last, isBack) === true) this.#join(peer, this.#last)
    else if (peer !== undefined) this.#dismiss(peer, { code: GONE, reason: 'gone' })
    void this.#deliver()
  }

  /** Closes the connection of a client that may come again. */
  #dismiss(peer: Peer, verdict: Verdict): void {
    peer.mute()
    peer.close(verdict)
    this.gone(verdict, false)
  }

  /** Whether the connection is the present one, or was before nobody was there. */
  isOf(peer: Peer): boolean {
    return this.#peer === peer || this.#peer === undefined
  }

  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    if (this.#isKept && this.#peer?.isClosing !== true) return this.leave(RESTART)
    if (this.#peer === undefined && this.#replay !== undefined) return this.expire()
    this.#endInput()
  }

  /** Gives the stream up, which is kept: its client finds it again by its token. */
  leave(verdict: Verdict): void {
    this.#isLeft = true
    this.#inbox.stop()
    this.#peer?.mute()
    this.#peer?.close(verdict)
    this.#peer = undefined
    silence(this.stream.close())
    this.#over()
  }

  /** Ends everything with this verdict. */
  stop(verdict: Verdict): void {
    if (this.#isLeft) return
    this.#verdict = verdict
    this.#inbox.stop()
    this.#peer?.close(verdict)
    this.stream.abort(verdict.error ?? new ClosedError('VELO_CLOSED', `the WebSocket was closed by the server: ${verdict.reason}`))
    if (this.#peer === undefined) this.#over()
  }

  /** Nobody came back in time. */
  expire(): void {
    this.#over()
    this.stream.abort(new ClosedError('VELO_CLOSED', 'the client did not come back', { streamId: this.stream.id }))
  }

  message(data: SocketData, isBinary: boolean): void {
    if (this.#isDraining) return
    if (this.#again > 0) return void this.#again--
    if (this.#isEnded) return this.stop(faultOf(1008, 'limit: a message after the end message'))
    this.#received++
    if (!this.#isKept) this.#receipts?.took(bytesOfMessage(data))
    const message = messageOf(data, isBinary, this.#received, this.#settings, this.#budget)
    if (message === 'end') this.#endInput()
    else if ('verdict' in message) this.stop(message.verdict)
    else this.#inbox.put(message)
  }

  pong(text: string): void {
    this.#replay?.pong(text)
  }

  beat(): string {
    this.#receipts?.beat()
    return this.#replay?.beat() ?? ''
  }

  taken(events: number, bytes: number): void {
    if (this.#isKept) this.#receipts?.took(bytes, events)
  }

  hold(): void {
    this.#peer?.hold()
    this.#replay?.held()
  }

  release(): void {
    this.#peer?.release()
  }

  /** The stream did not take an event, or its journal did not: then it lives, and the client says it again. */
  refused(error: unknown): void {
    if (error instanceof VeloError && error.code === 'VELO_EVENT') {
      if (this.#settings.onMalformed === 'fail') this.stop({ code: 1007, reason: error.message, error })
    } else if (this.#isKept && isNotKept(error) && this.stream.state !== 'closed') {
      this.#received = this.#receipts?.received ?? 0
      this.#isEnded = false
      if (this.#peer !== undefined) this.#dismiss(this.#peer, AGAIN)
    } else if (!(error instanceof ClosedError || error instanceof AbortError)) {
      this.stop({ code: 1011, reason: 'failed', error })
    }
  }

  gone({ code }: SocketEnd, isFinal: boolean): void {
    this.#peer = undefined
    this.#replay?.detach()
    this.#receipts?.detach()
    const { onDisconnect, graceMs } = this.#settings
    if (this.#isKept && this.#isDraining && !isFinal) return this.leave(RESTART)
    if (onDisconnect === 'grace' && !isFinal && !this.#isDraining) {
      this.#grace = setTimeout(() => this.expire(), graceMs).unref()
      if (this.stream.state === 'closed') hasEnded(this)
      return
    }
    this.#over()
    this.#budget.mute()
    if (onDisconnect === 'finish') return this.#endInput()
    this.stream.abort(new ClosedError('VELO_CLOSED', `the client is gone: the WebSocket was closed with ${code}`))
  }

  async #deliver(): Promise<void> {
    const verdict = await deliver(this.stream, (result) => this.#put(result))
    this.#finish(verdict ?? verdictOfEnd(await this.stream.closed, this.#isDraining, this.#settings.expose))
  }

  /** Sends one result. Answers a promise while there is no room for another. */
  #put(result: Encoded): Promise<unknown> | undefined {
    if (result instanceof Unwritable) throw result.error
    const [frame, budget, bytes] = [result as Frame, this.#budget, sizeOf(result)]
    if (this.#replay !== undefined) {
      const room = this.#replay.put(frame)
      budget.written(bytes)
      return room
    }
    const wait = this.#peer?.send(frame)
    if (wait === undefined) budget.written(bytes)
    return wait?.then(() => budget.written(bytes))
  }

  #finish(verdict: Verdict): void {
    this.#verdict ??= verdict
    if (this.#replay === undefined) this.#peer?.close(this.#verdict)
    else this.#replay.end(this.#verdict)
  }

  /** The function has finished, and has given its permit back. Its results may still be on their way. */
  #ended(end: StreamEnd): void {
    if (hasMoved(end)) return this.leave(REPLACED)
    this.#inbox.stop()
    if (this.#grace !== undefined) hasEnded(this)
    if (end.reason !== 'aborted' && end.reason !== 'closed') return
    // The rest of the results is dropped; a client that reads nothing must not put the goodbye off.
    this.#verdict ??= verdictOfEnd(end, this.#isDraining, this.#settings.expose)
    this.#peer?.close(this.#verdict)
    this.#replay?.end(this.#verdict)
  }

  #endInput(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#inbox.end()
  }

  #replaceBy(peer: Peer): void {
    clearTimeout(this.#grace)
    this.#grace = undefined
    isBack(this)
    const old = this.#peer
    this.#peer = peer
    old?.mute()
    old?.close(REPLACED)
  }

  /** The client is not coming back. */
  #over(): void {
    clearTimeout(this.#grace)
    this.#grace = undefined
    forget(this)
    this.#replay?.discard()
    if (!this.#isLeft) this.#budget.confirm(Number.POSITIVE_INFINITY)
    this.#isOver()
  }
}
