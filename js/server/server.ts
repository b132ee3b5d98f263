// The life of a server: what it is made of, when it listens, and how it stops.

import type { AddressInfo } from 'node:net'
import { OverloadedError } from '../index.js'
import { duration, onlyKnown } from '../kit/check.js'
import { Catalog } from './functions/catalog.js'
import { loadFunctions } from './functions/functions.js'
import { graceOf } from './functions/kept.js'
import { Connections } from './listen/connections.js'
import { type NodeServer, nodeServer } from './listen/listener.js'
import { type ServerOptions, type Settings, settingsOf } from './options.js'
import { Admission } from './serve/admission.js'
import { Door } from './serve/door.js'
import { namesOf } from './serve/hosts.js'
import { LeftBehind } from './serve/left-behind.js'
import { OpenStreams } from './serve/open-streams.js'
import { Requests } from './serve/requests.js'
import { Sockets } from './serve/sockets.js'
import type { ServerNumbers } from './server-families.js'

/** How long aborted streams and their connections may take to end before they are cut, ms. */
const CUT_MS = 1000

/** A service of stream functions. */
export interface Server extends AsyncDisposable {
  /**
   * Loads the functions and listens; resolves with the address. Port 0 (the default) is any that is free, the default host is 127.0.0.1. Rejects with `VELO_CONFIG`, with
   * `VELO_FUNCTION_REF` for a module that cannot be served, and with what Node.js says of an address that cannot be used.
   */
  listen(port?: number, host?: string): Promise<AddressInfo>
  /** `undefined` before `listen` and after the end. */
  readonly address: AddressInfo | undefined
  /** For example `http://127.0.0.1:8080`; `undefined` before `listen` and after the end. */
  readonly url: string | undefined
  /** Names that are served. */
  readonly functions: readonly string[]
  /** True from the first `close()` on. */
  readonly draining: boolean
  /** Resolves when the server has stopped, whoever stopped it. Never rejects. */
  readonly closed: Promise<void>
  /**
   * Stops in good order: `/readyz` says 503, after `readyDelay` nobody is let in, server-sent events and WebSockets are told, what is open may go on for `grace` ms, and then it
   * is aborted. Resolves when every connection is closed. Only streams of this server are touched. Another call shares the first one's end, and may shorten its grace.
   */
  close(options?: { grace?: number | undefined }): Promise<void>
}

/**
 * Makes a service out of stream functions: `POST /fn/<name>` (NDJSON or server-sent events), WebSocket on the same path, `/healthz`, `/readyz`, `/metrics`.
 *
 * @example
 * const server = createServer({ functions: { average } })
 * const { port } = await server.listen(8080)
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function createServer(options: ServerOptions): Server {
  return new StreamServer(settingsOf(options))
}

interface Parts {
  readonly node: NodeServer
  readonly catalog: Catalog
  readonly door: Door
  readonly requests: Requests
  readonly sockets: Sockets
}

class StreamServer implements Server {
  readonly #settings: Settings
  readonly #connections = new Connections()
  readonly #admission: Admission
  readonly #leftBehind = new LeftBehind()
  readonly #streams = new OpenStreams((name, id) => this.#leftBehind.opened(name, id))
  readonly #counts = new Map<string, { fn: string; status: number; count: number }>()
  /** Fires when clients are told that the server stops. */
  readonly #told = new AbortController()
  /** Fires when what is open is aborted. */
  readonly #abort = new AbortController()
  /** Fires when the grace is over before its time. */
  readonly #hurry = new AbortController()
  #parts: Parts | undefined
  #listening: Promise<AddressInfo> | undefined
  #stopping: Promise<void> | undefined
  #address: AddressInfo | undefined
  #names: readonly string[] | undefined
  #resolveClosed: () => void = () => undefined
  readonly closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve
  })

  constructor(settings: Settings) {
    this.#settings = settings
    this.#admission = new Admission(settings.maxConcurrent, settings.maxPerClient)
  }

  get address(): AddressInfo | undefined {
    return this.#address
  }

  get url(): string | undefined {
    if (this.#address === undefined) return undefined
    const { address, family, port } = this.#address
    return `${this.#settings.tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  get functions(): readonly string[] {
    return this.#parts?.catalog.names ?? []
  }

  get draining(): boolean {
    return this.#stopping !== undefined
  }

  listen(port = 0, host = '127.0.0.1'): Promise<AddressInfo> {
    if (this.#stopping !== undefined) return Promise.reject(new OverloadedError('VELO_DRAINING', 'listen(): the server has been closed'))
    this.#listening ??= this.#start(port, host).catch((error: unknown) => {
      this.#listening = undefined
      throw error
    })
    return this.#listening
  }

  close(options: { grace?: number | undefined } = {}): Promise<void> {
    onlyKnown(options, 'close(options)', ['grace'])
    const grace = duration(options.grace, 'close(options).grace', 0, this.#settings.grace)
    if (this.#stopping === undefined) this.#stopping = this.#stop(grace)
    else if (options.grace !== undefined) setTimeout(() => this.#hurry.abort(), grace).unref()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(port: number, host: string): Promise<AddressInfo> {
    const settings = this.#settings
    const catalog = new Catalog(await loadFunctions(settings), settings.pipelines, settings.joins, (fn) => this.#streams.counted(fn))
    const door = new Door(settings, catalog, this.#admission, this.#streams)
    const abort = this.#abort.signal
    const names = () => this.#names
    const sockets = await Sockets.create({ settings, door, abort, names, count: this.#count })
    const ready = () => !this.draining
    const requests = new Requests({
      settings,
      door,
      draining: this.#told.signal,
      abort,
      ready,
      names,
      numbers: this.#numbers,
      count: this.#count,
    })
    for (const entry of catalog.entries) requests.prepare(entry)
    await this.#leftBehind.await(catalog.kept.map((entry) => ({ fn: entry.fn, grace: graceOf(entry, settings) })))
    const node = nodeServer(settings, this.#connections, {
      onRequest: (req, res) => {
        this.#connections.begin(req.socket, res)
        requests.onRequest(req, res)
      },
      onUpgrade: sockets.onUpgrade,
    })
    this.#parts = { node, catalog, door, requests, sockets }
    await new Promise<void>((resolve, reject) => {
      node.once('error', reject)
      node.listen(port, host, () => {
        node.off('error', reject)
        this.#address = node.address() as AddressInfo
        this.#names = namesOf(settings.hosts, this.#address.address)
        resolve()
      })
    })
    if (this.#settings.signals) for (const signal of SIGNALS) process.on(signal, this.#onSignal)
    return node.address() as AddressInfo
  }

  async #stop(grace: number): Promise<void> {
    this.#leftBehind.stop()
    // A server that is still starting has nothing to lose yet; one that cannot start has nothing to stop.
    await this.#listening?.catch(() => undefined)
    const parts = this.#address === undefined ? undefined : this.#parts
    if (parts !== undefined) await this.#wind(parts, grace)
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
    this.#address = undefined
    this.#resolveClosed()
  }

  async #wind({ node, door, requests, sockets }: Parts, grace: number): Promise<void> {
    await this.#atMost(this.#settings.readyDelay, undefined)
    door.closed = true
    const closed = new Promise<void>((resolve) => node.close(() => resolve()))
    this.#connections.stop()
    this.#told.abort()
    sockets.drain()
    const idle = Promise.all([requests.idle(), sockets.idle(), this.#streams.idle()])
    await this.#atMost(grace, idle)
    // The sockets first: they have a close code for it.
    sockets.close()
    this.#abort.abort(new OverloadedError('VELO_DRAINING', 'the server stops'))
    await patient(CUT_MS, Promise.all([idle, closed]))
    this.#connections.destroy()
    requests.dispose()
    await closed
  }

  /** Waits for `done`, at most `ms`, and not at all once somebody is in a hurry. */
  async #atMost(ms: number, done: Promise<unknown> | undefined): Promise<void> {
    const { signal } = this.#hurry
    if (ms === 0 || signal.aborted) return
    await new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const timer = setTimeout(settle, ms)
      signal.addEventListener('abort', settle)
      void done?.then(settle)
    })
  }

  readonly #onSignal = (): void => {
    void this.close(this.draining ? { grace: 0 } : {})
  }

  readonly #count = (fn: string, status: number): void => {
    const key = `${fn} ${status}`
    const row = this.#counts.get(key)
    if (row === undefined) this.#counts.set(key, { fn, status, count: 1 })
    else row.count++
  }

  readonly #numbers = (): ServerNumbers => {
    const { open, refused } = this.#admission
    return { connections: this.#connections.open, streams: open, refused, draining: this.draining, requests: this.#counts }
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Resolves with `done`, at the latest after `ms`. */
function patient(ms: number, done: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void done.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
