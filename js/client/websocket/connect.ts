// connect: what users hold of a stream over a WebSocket.

import { configError } from '../../kit/check.js'
import { ClosedError, VeloError } from '../../kit/errors.js'
import { refuse } from '../../kit/promises.js'
import type { ValueIterator } from '../../kit/types.js'
import type { ClientEnd } from '../ends/end.js'
import { DISPOSE, OneReader } from '../ends/one-reader.js'
import type { ClientState } from '../ends/state.js'
import { type ConnectOptions, type ConnectSettings, connectSettings } from '../options/connect.js'
import type { Frame } from './frame.js'
import { baseOf } from './hello.js'
import { Session } from './session.js'

/** A stream on a server: events go out, results come in, over one WebSocket or several. */
export interface Connection<In, Out> extends AsyncIterable<Out> {
  readonly state: ClientState
  /** What the server calls the stream, once it is known that a client may come back. Whoever has it can take the stream over. */
  readonly id: string | undefined
  /** Resolves once, when all is over. Never rejects. */
  readonly closed: Promise<ClientEnd>
  /**
   * Sends one event: bytes as a binary frame, anything else as `text` has it. Resolves when it was handed to a socket that has room; across a cut, when there is one again. Events
   * arrive in the order of the calls, each once.
   *
   * Rejects with `VELO_OVERRUN` when too much waits already, `VELO_CODEC` for what is no JSON, `VELO_ENDED` after `end()`, `VELO_CLOSED` or the AbortError when all is over.
   */
  send(event: In): Promise<void>
  /** Ends the input behind everything that was sent: the results that are left still come. Needs `endMessage`. */
  end(): Promise<void>
  /** Ends the stream on both sides; what waits is dropped. */
  close(): Promise<void>
  /** The results. The first `next()` makes an iterator the only reader; leaving its loop closes the stream. */
  [Symbol.asyncIterator](): ValueIterator<Out>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens a stream on a server of `serveSocket` or `createServer`, and keeps it over cuts where the server has `onDisconnect: { graceMs }`: nothing is lost and nothing comes twice.
 *
 * @example
 * const moves = connect('wss://example.com/fn/game', { endMessage: 'end' })
 * await moves.send({ points: 3 })
 * for await (const { score } of moves) show(score)
 *
 * @throws VeloError `VELO_CONFIG` when `url` is none of a WebSocket, or an option is unknown or out of range.
 */
export function connect<In = unknown, Out = unknown>(url: string | URL, options: ConnectOptions = {}): Connection<In, Out> {
  const settings = connectSettings(options)
  const base = baseOf(url)
  if (base === undefined) throw configError('connect(url)', 'an address that begins with ws:, wss:, http: or https:', String(url))
  return new SocketConnection<In, Out>(base, settings)
}

class SocketConnection<In, Out> implements Connection<In, Out> {
  readonly #settings: ConnectSettings
  readonly #session: Session<Out>
  readonly #reader: OneReader<Out>
  #ended: Promise<void> | undefined

  constructor(base: string, settings: ConnectSettings) {
    this.#settings = settings
    this.#session = new Session(base, settings)
    this.#reader = new OneReader({ next: () => this.#session.next(), close: () => this.close() })
  }

  get state(): ClientState {
    return this.#session.state
  }

  get id(): string | undefined {
    return this.#session.token
  }

  get closed(): Promise<ClientEnd> {
    return this.#session.closed
  }

  send(event: In): Promise<void> {
    let frame: Frame
    try {
      frame = frameOf(event, this.#settings.text)
    } catch (error) {
      return refuse(error)
    }
    // Writing it may have run code of the user, so this comes last.
    if (this.#session.end !== undefined) return refuse(this.#session.over())
    if (this.#ended !== undefined) return refuse(new ClosedError('VELO_ENDED', 'send() after end()'))
    return this.#session.send(frame)
  }

  end(): Promise<void> {
    const { endMessage } = this.#settings
    if (endMessage === undefined)
      return refuse(configError('connect(options).endMessage', 'that of the server, which end() needs', undefined))
    if (this.#ended !== undefined) return this.#ended
    if (this.#session.end !== undefined) return refuse(this.#session.over())
    const ended = this.#session.send(endMessage)
    // One that found no room can be tried again.
    this.#ended = ended
    ended.catch(() => {
      this.#ended = undefined
    })
    return ended
  }

  async close(): Promise<void> {
    this.#session.finish({ reason: 'closed' }, true)
  }

  [Symbol.asyncIterator](): ValueIterator<Out> {
    return this.#reader.iterator()
  }

  [DISPOSE](): Promise<void> {
    return this.close()
  }
}

function frameOf(event: unknown, text: 'json' | 'raw'): Frame {
  // Bytes are kept until the server has them, and may be changed meanwhile.
  if (event instanceof ArrayBuffer) return new Uint8Array(event.slice(0))
  if (ArrayBuffer.isView(event)) return new Uint8Array(event.buffer, event.byteOffset, event.byteLength).slice()
  if (text === 'raw') {
    if (typeof event === 'string') return event
    throw new VeloError('VELO_CODEC', `an event is no string (${typeof event}), which connect(options).text: 'raw' asks for`)
  }
  let json: string | undefined
  try {
    json = JSON.stringify(event)
  } catch (cause) {
    throw new VeloError('VELO_CODEC', 'an event cannot be written as JSON', { cause })
  }
  if (json === undefined) throw new VeloError('VELO_CODEC', `an event cannot be written as JSON (${typeof event})`)
  return json
}
