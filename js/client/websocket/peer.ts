// One connection. Owns: its socket, the listeners on it, and the time it may take until it can be used. Whatever the socket throws is a cut: nothing of it gets out.

import { TimeoutError } from '../../kit/errors.js'
import { type ConnectionRefusal, refusalOf, secondsOf } from '../ends/end.js'
import type { ConnectSettings } from '../options/connect.js'
import type { SocketEvent, WebSocketLike } from '../options/socket.js'
import type { Frame } from './frame.js'

/** Who is told what happens on a connection. */
export interface PeerOwner {
  opened(): void
  message(frame: Frame): void
  /** The connection is gone; called once, and nothing after it. 1006: it was cut. */
  gone(code: number, reason: string, cause: unknown): void
  /** The same, if the server answered the handshake with a status. */
  refused(refusal: ConnectionRefusal): void
}

/** Bytes that may wait in the socket; beyond it nothing is handed to it. */
const FULL = 64 * 1024
/** ms after which a full socket is looked at again: it has no event for that. */
const LOOK_AGAIN = 20
/** The code of a client that may come back: 1000 would end the stream. */
const LEAVING = 4000
/** `readyState` of a socket that is not open yet. */
const CONNECTING = 0
/** How long a connection is waited for, ms, only to say goodbye on it. */
const GOODBYE = 2000

export class Peer {
  #owner: PeerOwner | undefined
  #socket: WebSocketLike | undefined
  #cause: unknown
  #timer: ReturnType<typeof setTimeout> | undefined
  #look: ReturnType<typeof setTimeout> | undefined
  #isHeld = false
  #isOpened = false

  constructor(owner: PeerOwner) {
    this.#owner = owner
  }

  /** Begins; the owner may be told of the end before this returns. */
  start(url: string, { WebSocket, protocols, connectTimeout }: ConnectSettings): void {
    this.#timer = setTimeout(() => {
      this.#gone(1006, '', new TimeoutError('VELO_TIMEOUT', `no connection within connectTimeout, ${connectTimeout} ms`))
    }, connectTimeout)
    this.#try(() => {
      // Two calls: sockets of browsers refuse an undefined list in some versions, and those of `ws` an empty one.
      const socket = protocols === undefined ? new WebSocket(url) : new WebSocket(url, protocols)
      this.#socket = socket
      socket.binaryType = 'arraybuffer'
      socket.addEventListener('open', this.#onOpen)
      socket.addEventListener('message', this.#onMessage)
      socket.addEventListener('error', this.#onError)
      socket.addEventListener('close', this.#onClose)
      socket.on?.('unexpected-response', this.#onRefused)
    })
  }

  /** It can be used: its time is no longer measured. */
  ready(): void {
    clearTimeout(this.#timer)
  }

  /** Sends as much of what `next` gives as there is room for, and goes on when there is more. */
  send(next: () => Frame | undefined): void {
    if (this.#look !== undefined) return
    this.#try((socket) => {
      while (this.#owner !== undefined) {
        if (socket.bufferedAmount >= FULL) {
          this.#look = setTimeout(() => {
            this.#look = undefined
            this.send(next)
          }, LOOK_AGAIN)
          return
        }
        const frame = next()
        if (frame === undefined) return
        // Bytes were copied into a buffer of their own.
        socket.send(typeof frame === 'string' ? frame : (frame.buffer as ArrayBuffer))
      }
    })
  }

  /** Whether the socket can be told to read nothing. */
  hold(): boolean {
    const socket = this.#socket
    if (typeof socket?.pause !== 'function' || typeof socket.resume !== 'function') return false
    if (!this.#isHeld) this.#try(() => socket.pause?.())
    this.#isHeld = true
    return true
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#try((socket) => socket.resume?.())
  }

  /** Says goodbye. Nobody is told any more. `isFinal`: the stream is over for the server as well. */
  close(isFinal: boolean): void {
    const socket = this.#leave()
    try {
      // The answer of the server could not be read otherwise.
      if (this.#isHeld) socket?.resume?.()
      if (isFinal && socket?.readyState === CONNECTING) sayWhenOpen(socket)
      else socket?.close(isFinal ? 1000 : LEAVING)
    } catch {
      // It is gone, or it is none.
    }
  }

  #try(use: (socket: WebSocketLike) => void): void {
    try {
      use(this.#socket as WebSocketLike)
    } catch (error) {
      this.#gone(1006, '', error)
    }
  }

  #gone(code: number, reason: string, cause: unknown): void {
    const owner = this.#owner
    this.close(false)
    owner?.gone(code, reason, cause)
  }

  readonly #onRefused = (_request: unknown, response: unknown): void => {
    const owner = this.#owner
    const { statusCode, statusMessage, headers } = response as Refused
    this.close(false)
    owner?.refused(refusalOf(Number(statusCode), String(statusMessage ?? ''), secondsOf(headers?.['retry-after'])))
  }

  #leave(): WebSocketLike | undefined {
    clearTimeout(this.#timer)
    clearTimeout(this.#look)
    this.#owner = undefined
    const socket = this.#socket
    this.#socket = undefined
    try {
      socket?.removeEventListener('open', this.#onOpen)
      socket?.removeEventListener('message', this.#onMessage)
      socket?.removeEventListener('close', this.#onClose)
      // The listener of errors stays: a socket of `ws` that is closed while it connects has one to tell, which would end the process.
    } catch {
      // It passed for a socket; what it says is not listened to.
    }
    return socket
  }

  readonly #onOpen = (): void => {
    this.#isOpened = true
    this.#owner?.opened()
  }

  readonly #onMessage = ({ data }: SocketEvent): void => {
    if (typeof data === 'string') this.#owner?.message(data)
    else if (data instanceof ArrayBuffer) this.#owner?.message(new Uint8Array(data))
    else this.#gone(1006, '', new TypeError('a message is neither text nor an ArrayBuffer'))
  }

  readonly #onError = (event: SocketEvent): void => {
    this.#cause ??= event.error
    // The WebSocket of Node.js 22 emits no close after a handshake that was refused.
    if (!this.#isOpened) this.#gone(1006, '', this.#cause)
  }

  readonly #onClose = ({ code, reason }: SocketEvent): void => this.#gone(Number(code), String(reason), this.#cause)
}

/** What is read of the response of `ws`. */
interface Refused {
  readonly statusCode?: unknown
  readonly statusMessage?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
}

/** A server may have a stream for a connection that is not open here yet; a handshake that breaks off would leave it waiting for its client. */
function sayWhenOpen(socket: WebSocketLike): void {
  const say = (): void => {
    clearTimeout(timer)
    try {
      socket.close(1000)
    } catch {
      // It is none; there is nobody to say it to.
    }
  }
  const timer = setTimeout(say, GOODBYE)
  socket.addEventListener('open', say)
  socket.addEventListener('close', () => clearTimeout(timer))
}
