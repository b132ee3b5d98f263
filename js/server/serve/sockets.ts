// The WebSocket side: upgrades, and one stream for each connection. The package `ws` and `velo-stream/websocket` are loaded only here, and only when a server starts that has some.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { VeloError } from '../../index.js'
import { reportFailure } from '../../kit/sight/failure-report.js'
import { required } from '../../kit/start/late.js'
import type { ServedSocket, SocketLike, SocketOptions, serveSocket } from '../../websocket/index.js'
import { socketOf } from '../functions/kept.js'
import { hasBody } from '../listen/other-protocol.js'
import type { Settings } from '../options.js'
import { type Door, isRefusal, pathOf } from './door.js'
import { hostAllowed, OTHER_HOST } from './hosts.js'
import { OTHER_ORIGIN, originAllowed } from './origins.js'
import { type Refusal, refuseUpgrade } from './reply.js'

/** What is used of a `WebSocketServer`. */
interface Upgrader {
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: SocketLike) => void): void
}

/** What the sockets need of the server. */
export interface SocketsOptions {
  readonly settings: Settings
  readonly door: Door
  readonly abort: AbortSignal
  /** Names by which the server may be asked; `undefined`: all. */
  readonly names: () => readonly string[] | undefined
  readonly count: (fn: string, status: number) => void
}

/** Takes upgrades. */
export class Sockets {
  readonly #options: SocketsOptions
  readonly #parts: Parts | undefined
  readonly #open = new Set<ServedSocket<never, unknown>>()
  #idle: (() => void) | undefined

  /** Rejects with `VELO_CONFIG` where WebSocket is asked for and `ws` is not installed. */
  static async create(options: SocketsOptions): Promise<Sockets> {
    const { websocket, websocketRequired } = options.settings
    return new Sockets(options, websocket === undefined ? undefined : await load(websocketRequired))
  }

  private constructor(options: SocketsOptions, parts: Parts | undefined) {
    this.#options = options
    this.#parts = parts
  }

  readonly onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Without a listener the reset of a client that has gone would end the process.
    socket.on('error', ignore)
    this.#upgrade(req, socket, head).catch((error: unknown) => {
      refuseUpgrade(socket, BROKEN)
      reportFailure(this.#options.settings.onError, error, req)
    })
  }

  /** Lets functions finish and tells the clients with 1001. */
  drain(): void {
    for (const served of this.#open) served.drain()
  }

  /** Aborts what is open and closes with 1001. */
  close(): void {
    for (const served of this.#open) served.close(1001, 'the server stops')
  }

  /** Resolves when no WebSocket is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      if (this.#open.size === 0) resolve()
    })
  }

  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { door, settings, count, abort, names } = this.#options
    const refuse = (fn: string, refusal: Refusal) => {
      count(fn, refusal.status)
      if (this.#parts === undefined || !readsCloseCodes(req)) return refuseUpgrade(socket, refusal)
      this.#parts.upgraderFor(MAX_MESSAGE).handleUpgrade(req, socket, head, (ws) => closeRefused(ws, refusal))
    }
    const path = pathOf(req)
    if (hasBody(req)) return refuse('-', NO_BODY)
    if (!hostAllowed(req, names())) return refuse('-', OTHER_HOST)
    if (!path.startsWith('/fn/')) return refuse('-', NOT_FOUND)
    if (this.#parts === undefined) return refuse('-', NOT_HERE)
    const { upgraderFor, serveSocket } = this.#parts
    if (!(await originAllowed(req, settings))) return refuse('-', OTHER_ORIGIN)
    const admitted = await door.admit(req, path)
    if (isRefusal(admitted)) return refuse(door.find(path)?.name ?? '-', admitted)
    const { entry, principal, headers, release } = admitted
    if (socket.destroyed) return release()
    // A handshake that fails is answered by `ws`, which closes the socket; so does a client that goes away.
    socket.once('close', release)
    const own = socketOf(entry, settings)
    upgraderFor(own.maxMessage ?? MAX_MESSAGE).handleUpgrade(req, socket, head, (ws) => {
      socket.off('error', ignore)
      count(entry.name, 101)
      // Its request is always this one.
      const onError = settings.onError as SocketOptions['onError']
      const options = { ...own, request: req, headers, owner: principal, signal: abort, onError }
      let served: ServedSocket<never, unknown>
      try {
        served = serveSocket(ws, entry.fn, options)
      } catch (error) {
        // Wrong options: they are this server's, not the client's.
        release()
        ws.on('error', ignore)
        ws.close(1011)
        reportFailure(settings.onError, error, req, entry.name)
        return
      }
      // The stream that it came back to has a place. Any other keeps this one as long as something is kept for its client.
      socket.off('close', release)
      if (served.resumed) release()
      else void served.over.then(release)
      this.#open.add(served)
      void this.#end(served)
    })
  }

  /** A stream that waits for its client to come back is still there. */
  async #end(served: ServedSocket<never, unknown>): Promise<void> {
    await served.closed
    await served.stream?.closed
    this.#open.delete(served)
    if (this.#open.size === 0) this.#idle?.()
  }
}

const NOT_FOUND: Refusal = { status: 404, code: 'NOT_FOUND', message: 'try /fn/<name>' }
const BROKEN: Refusal = { status: 500, code: 'FAILED', message: 'the server could not decide' }
const NO_BODY: Refusal = { status: 400, code: 'BAD_UPGRADE', message: 'a handshake has no body' }
const NOT_HERE: Refusal = {
  status: 501,
  code: 'NO_WEBSOCKET',
  message: "this server offers no WebSocket: it is switched off, or the package 'ws' is not installed",
}

function ignore(): void {}

/** Whether the client asks for refusals as close codes: browsers hide the status of a handshake from their pages. */
function readsCloseCodes(req: IncomingMessage): boolean {
  const query = new URLSearchParams(req.url?.split('?', 2)[1])
  return !hasBody(req) && (query.has('acks') || query.has('refusals'))
}

/** Closes with 4000 and the status. The client may make another attempt only if the reason says when. */
function closeRefused(ws: SocketLike, { status, message, headers }: Refusal): void {
  const isTransient = status >= 500 || status === 429
  ws.on('error', ignore)
  ws.close(4000 + status, isTransient ? `${message}; retry after ${headers?.['retry-after'] ?? 0} s` : message)
  const cut = setTimeout(() => ws.terminate(), REFUSED_MS).unref()
  ws.on('close', () => clearTimeout(cut))
}

/** How long a client that was refused may take to answer the close, ms. */
const REFUSED_MS = 1000

/** The default of `serveSocket`: what is larger is not even received. */
const MAX_MESSAGE = 1_048_576

/** What is loaded for it. */
interface Parts {
  readonly serveSocket: typeof serveSocket
  /** One upgrader for each size of messages. */
  upgraderFor(maxMessage: number): Upgrader
}

async function load(isRequired: boolean): Promise<Parts | undefined> {
  const ws = webSockets(isRequired)
  if (ws === undefined) return undefined
  const { serveSocket } = await import('../../websocket/index.js')
  const made = new Map<number, Upgrader>()
  const upgraderFor = (maxPayload: number): Upgrader => {
    const options = { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload }
    const upgrader = made.get(maxPayload) ?? (new ws.WebSocketServer(options) as unknown as Upgrader)
    made.set(maxPayload, upgrader)
    return upgrader
  }
  return { serveSocket, upgraderFor }
}

/** The package `ws`, if it is installed. */
function webSockets(isRequired: boolean): typeof import('ws') | undefined {
  try {
    return required('ws') as typeof import('ws')
  } catch (cause) {
    if (!isRequired) return undefined
    const message = "createServer(options).websocket: expected the package 'ws' to be installed (npm install ws), it cannot be loaded"
    throw new VeloError('VELO_CONFIG', message, { field: 'createServer(options).websocket', cause })
  }
}
