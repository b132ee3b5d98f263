// The options of `connect`.

import { callable, configError, duration, flag, integer, text as nonEmpty, onlyKnown, signalOf, word } from '../../kit/check.js'
import type { ClientState } from '../ends/state.js'
import { type Backoff, type BackoffOptions, backoffOf } from './backoff.js'
import type { WebSocketClass } from './socket.js'

/** Options of `connect`. Durations are ms, sizes are bytes. */
export interface ConnectOptions {
  /** Subprotocols of the handshake. */
  protocols?: string | readonly string[] | undefined
  /**
   * Whether the server lets clients come back (`onDisconnect: { graceMs }`). `true`: it does, and nothing is sent before it has said so. `false`: it does not, and a cut is the
   * end. Default: as its first frame says; then a cut before that frame is the end if something was sent.
   */
  resume?: boolean | undefined
  /** What text frames are, as the server has it: JSON of an event or a result, or strings as they are. Default `'json'`. */
  text?: 'json' | 'raw' | undefined
  /** The message that ends the input, as the server has it; `end()` needs it. Default: none. */
  endMessage?: string | undefined
  /** Aborts the stream: waits reject with an `AbortError`, and the server is told. */
  signal?: AbortSignal | undefined
  /** Attempts to come back. */
  backoff?: BackoffOptions | undefined
  /** How long an attempt may take, until the connection is open and the server has said what it must. Default 10000. */
  connectTimeout?: number | undefined
  /**
   * How much is kept, of events that the server may not have and of results that nobody has read, each for itself; each costs 128 bytes, and two for a character. Beyond it
   * `send` rejects with `VELO_OVERRUN`; results hold the socket where it has `pause()` (`ws`), and else fail the stream with `VELO_OVERRUN`. Default 16777216.
   */
  maxBufferedBytes?: number | undefined
  /** The class of sockets. Default: the global one; Node.js has one from 22 on, before that give it that of `ws`. */
  WebSocket?: WebSocketClass | undefined
  /** Told each change of `state`. What it throws touches nothing here. */
  onState?: ((state: ClientState) => void) | undefined
}

/** The same with every default filled in. */
export interface ConnectSettings {
  readonly protocols: string | string[] | undefined
  readonly resume: boolean | undefined
  readonly text: 'json' | 'raw'
  readonly endMessage: string | undefined
  readonly signal: AbortSignal | undefined
  readonly backoff: Backoff
  readonly connectTimeout: number
  readonly maxBufferedBytes: number
  readonly WebSocket: WebSocketClass
  readonly onState: ((state: ClientState) => void) | undefined
}

const NAMES = [
  'protocols',
  'resume',
  'text',
  'endMessage',
  'signal',
  'backoff',
  'connectTimeout',
  'maxBufferedBytes',
  'WebSocket',
  'onState',
] as const

const FIELD = 'connect(options)'

/** Default of `maxBufferedBytes`. */
export const MAX_BUFFERED = 16 << 20

/** Checks the options and fills the defaults in. Throws `VELO_CONFIG`. */
export function connectSettings(options: ConnectOptions): ConnectSettings {
  onlyKnown(options, FIELD, NAMES)
  const { protocols, resume, endMessage, onState, WebSocket = (globalThis as { WebSocket?: WebSocketClass }).WebSocket } = options
  if (endMessage !== undefined) nonEmpty(endMessage, `${FIELD}.endMessage`)
  if (onState !== undefined) callable(onState, `${FIELD}.onState`)
  if (typeof WebSocket !== 'function')
    throw configError(`${FIELD}.WebSocket`, "a class of sockets, for example that of 'ws' (there is no global one here)", WebSocket)
  return {
    protocols: protocols === undefined ? undefined : protocolsOf(protocols),
    resume: resume === undefined ? undefined : flag(resume, `${FIELD}.resume`, true),
    text: word(options.text, `${FIELD}.text`, ['json', 'raw']),
    endMessage,
    signal: signalOf(options.signal, `${FIELD}.signal`),
    backoff: backoffOf(options.backoff, `${FIELD}.backoff`),
    connectTimeout: duration(options.connectTimeout, `${FIELD}.connectTimeout`, 1, 10_000),
    maxBufferedBytes: integer(options.maxBufferedBytes, `${FIELD}.maxBufferedBytes`, 1, MAX_BUFFERED),
    WebSocket,
    onState,
  }
}

function protocolsOf(protocols: string | readonly string[]): string | string[] {
  if (typeof protocols === 'string') return protocols
  if (Array.isArray(protocols) && protocols.every((one) => typeof one === 'string')) return [...protocols]
  throw configError(`${FIELD}.protocols`, 'a string or an array of strings', protocols)
}
