// One connection. Owns: the listeners on its socket, the wait for a client that reads slowly, the heartbeat, and closing. Not here: the stream.
// Everything it registers is gone when the socket has closed.

import type { Socket } from 'node:net'
import { TimeoutError } from '../index.js'
import { reasonOf, type Verdict } from './codes.js'
import { type Frame, LongText } from './frames.js'
import type { Settings } from './options.js'
import { CLOSED, OPEN, type SocketData, type SocketLike } from './socket.js'

const TEXT = { binary: false }

/** How a connection ended. */
export interface SocketEnd {
  /** The close code: the server's if it closed first, else the client's; 1006 when the connection broke. */
  readonly code: number
  /** The reason that came with it. */
  readonly reason: string
  /** What went wrong, if something did: the function's error untouched, the refusal of `open`, the fault of the client. */
  readonly error?: unknown
}

/** Who is told what happens on a connection. */
export interface PeerOwner {
  message(data: SocketData, isBinary: boolean): void
  /** The client has everything that was sent before a ping with this text. */
  pong(text: string): void
  /** What a heartbeat carries. */
  beat(): string
  /** The connection is gone. `isFinal`: it was closed on purpose, or for a fault of the client, and not cut. */
  gone(end: SocketEnd, isFinal: boolean): void
}

export class Peer {
  readonly #socket: SocketLike
  readonly #settings: Settings
  /** The connection below: results of one turn leave in one write. */
  readonly #wire: Socket | undefined
  #owner: PeerOwner | undefined
  #verdict: Verdict | undefined
  #fault: unknown
  #isCorked = false
  #isAlive = true
  isHeld = false
  #beat: NodeJS.Timeout | undefined
  #stall: NodeJS.Timeout | undefined
  #drained: (() => void) | undefined
  #resolve!: (end: SocketEnd) => void
  readonly closed: Promise<SocketEnd> = new Promise((resolve) => {
    this.#resolve = resolve
  })

  constructor(socket: SocketLike, settings: Settings) {
    this.#socket = socket
    this.#settings = settings
    this.#wire = settings.request?.socket
    if (socket.readyState === CLOSED) {
      this.#end(1006, '')
      return
    }
    socket.on('message', this.#onMessage)
    socket.on('ping', this.#onLife)
    socket.on('pong', this.#onPong)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** From now on `owner` is told; messages that waited in a paused socket come. */
  open(owner: PeerOwner): void {
    this.#owner = owner
    const { heartbeat } = this.#settings
    if (heartbeat > 0) this.#beat = setInterval(this.#onBeat, heartbeat).unref()
    this.#socket.resume()
  }

  /** Sends one frame. Answers a promise while more than `maxBuffered` waits; it resolves when the client goes on reading, or is gone. */
  send(frame: Frame): Promise<unknown> | undefined {
    const socket = this.#socket
    if (socket.readyState !== OPEN) return this.closed
    this.#cork()
    if (socket.bufferedAmount + frame.length < this.#settings.maxBuffered) {
      this.#write(frame)
      return undefined
    }
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    this.#write(frame, this.#onSent)
    this.#uncork()
    const { maxStall } = this.#settings
    clearTimeout(this.#stall)
    if (maxStall > 0) this.#stall = setTimeout(this.#onStall, maxStall).unref()
    return drained
  }

  #write(frame: Frame, done?: () => void): void {
    if (frame instanceof LongText) this.#socket.send(frame.bytes, TEXT, done)
    else this.#socket.send(frame, done)
  }

  /** The client has said that it takes receipts. */
  get takesReceipts(): boolean {
    return this.#settings.acks
  }

  /** What went wrong according to the server; a connection that broke is no failure. */
  get failure(): unknown {
    return this.#verdict?.error
  }

  /** Goodbye was said. */
  get isClosing(): boolean {
    return this.#verdict !== undefined
  }

  /** A frame that can wait would not wait now. */
  get isClear(): boolean {
    return this.#socket.readyState === OPEN && this.#drained === undefined && this.#socket.bufferedAmount === 0
  }

  ping(text: string): void {
    if (this.#socket.readyState === OPEN) this.#socket.ping(text)
  }

  /** Reads nothing more, pongs and the client's close included: what finds out that it is gone is a ping that cannot be sent. */
  hold(): void {
    this.isHeld = true
    this.#socket.pause()
  }

  release(): void {
    this.isHeld = false
    this.#isAlive = true
    this.#socket.resume()
  }

  /** Says goodbye; what was sent before still arrives. The first verdict counts. */
  close(verdict: Verdict): void {
    if (this.#verdict !== undefined) return
    this.#verdict = verdict
    this.#uncork()
    this.#socket.close(verdict.code, reasonOf(verdict.reason))
    // The answer of the client could not be read otherwise.
    this.#socket.resume()
  }

  /** Nobody is told any more. */
  mute(): void {
    this.#owner = undefined
  }

  readonly #onMessage = (data: SocketData, isBinary: boolean): void => {
    this.#isAlive = true
    if (this.#verdict !== undefined) return
    try {
      this.#owner?.message(data, isBinary)
    } catch (error) {
      // Thrown on, it would end the process.
      this.close({ code: 1011, reason: 'failed', error })
    }
  }

  readonly #onLife = (): void => {
    this.#isAlive = true
  }

  readonly #onPong = (data: Uint8Array): void => {
    this.#isAlive = true
    if (data.length > 0) this.#owner?.pong(String(data))
  }

  readonly #onBeat = (): void => {
    const { heartbeat, maxStall } = this.#settings
    // A held socket cannot hear the answer, and a client that does not read cannot give one; the ping still finds out that the other side is gone. How long a client
    // may read nothing is for maxStall to say, where it is set.
    const isExcused = this.isHeld || (this.#drained !== undefined && maxStall > 0)
    if (!this.#isAlive && !isExcused) return this.#drop(`the client did not answer a ping for ${heartbeat} ms`)
    this.#isAlive = isExcused
    this.ping(this.#owner?.beat() ?? '')
  }

  readonly #onStall = (): void => {
    this.#drop(`the client did not read what waited for it within maxStall, ${this.#settings.maxStall} ms`)
  }

  readonly #onSent = (): void => {
    clearTimeout(this.#stall)
    this.#isAlive = true
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }

  readonly #onError = (error: unknown): void => {
    this.#fault ??= error
  }

  readonly #onClose = (code: number, reason: Uint8Array): void => {
    const socket = this.#socket
    socket.off('message', this.#onMessage)
    socket.off('ping', this.#onLife)
    socket.off('pong', this.#onPong)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    this.#end(code, String(reason))
  }

  #end(code: number, reason: string): void {
    clearInterval(this.#beat)
    clearTimeout(this.#stall)
    const verdict = this.#verdict
    // 1006: no goodbye came back, so nobody knows what the client has got.
    const end: SocketEnd = verdict !== undefined && code !== 1006 ? verdict : { code, reason }
    const error = verdict?.error ?? this.#fault
    this.#resolve(error === undefined ? { code: end.code, reason: end.reason } : { code: end.code, reason: end.reason, error })
    const owner = this.#owner
    this.#owner = undefined
    this.#drained?.()
    // A client that answers the goodbye of the server has read everything before it; one that left with a code of its own may not have.
    owner?.gone(end, code === 1000 || code === 1005 || code === verdict?.code || isProtocolError(this.#fault))
  }

  #drop(why: string): void {
    this.#fault ??= new TimeoutError('VELO_TIMEOUT', why)
    this.#socket.terminate()
  }

  #cork(): void {
    if (this.#isCorked || this.#wire === undefined) return
    this.#isCorked = true
    this.#wire.cork()
    process.nextTick(this.#uncork)
  }

  readonly #uncork = (): void => {
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#wire?.uncork()
  }
}

/** `ws` has read what is no WebSocket traffic, and closed. */
function isProtocolError(error: unknown): boolean {
  return String((error as { code?: unknown } | undefined)?.code).startsWith('WS_ERR_')
}
