// `dashboard(options)`: the page and what it asks for, as a handler. Owns the routes below its base; what is shown there comes from velo-stream/telemetry.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { VeloError } from '../index.js'
import { callable, configError, flag, onlyKnown } from '../kit/check.js'
import { type OnError, reportFailure } from '../kit/sight/failure-report.js'
import { viewAnswer } from '../telemetry/index.js'
import { Door, type Refusal } from './serve/door.js'
import { feedOf } from './serve/feed.js'
import { type PageFile, pageFiles } from './serve/files.js'
import { HEADERS, html } from './serve/html.js'
import { pictureOf, viewOf } from './serve/view.js'
import type { View } from './wire.js'

/** Options of `dashboard`. */
export interface DashboardOptions {
  /** Whether who asks may look, and abort where that is allowed; only `true` lets in. Default: this machine may, by a loopback address and without a proxy. */
  authorize?: ((req: IncomingMessage) => boolean | PromiseLike<boolean>) | undefined
  /** What a 401 asks the browser for, as `'Basic realm="operators"'`; `authorize` then finds it in `authorization`. Default: it asks for nothing. */
  challenge?: string | undefined
  /** Shows no way to abort streams, and refuses to. Default true. */
  readOnly?: boolean | undefined
  /** Path below which it answers, as the process sees it. Default: where it is mounted (`app.use('/velo', dashboard())`), else `'/dashboard'`. */
  base?: string | undefined
  /** Receives what `authorize` throws, with `{ request }`; the client gets a 500. Default: it is written to the log of `runtime.configure({ log })`, or else with `console.error`. */
  onError?: OnError<IncomingMessage> | undefined
}

/** Answers what is asked below `base`. Anything else goes to `next`, or is 404. The promise resolves when the response is over, and never rejects. */
export interface Dashboard {
  (
    req: IncomingMessage | Http2ServerRequest,
    res: ServerResponse | Http2ServerResponse,
    next?: ((error?: unknown) => void) | undefined,
  ): Promise<void>
  readonly base: string
}

const FIELD = 'dashboard(options)'
const BASE = '/dashboard'
/** The longest path and query. */
const LONGEST_URL = 4096

const NOT_FOUND: Refusal = { status: 404, code: 'NOT_FOUND', message: 'there is nothing here' }
const READS: Refusal = { status: 405, code: 'METHOD_NOT_ALLOWED', message: 'use GET' }
const TOO_LONG: Refusal = { status: 414, code: 'URI_TOO_LONG', message: `a path and query of at most ${LONGEST_URL} characters` }
const READ_ONLY: Refusal = { status: 403, code: 'READ_ONLY', message: 'streams cannot be aborted here' }
const FAILED: Refusal = { status: 500, code: 'AUTHORIZE_FAILED', message: 'it could not be found out who asks' }
const BROKEN: Refusal = { status: 500, code: 'FAILED', message: 'it could not be answered' }

/**
 * A page that shows what runs in this process, live: throughput, latency, workers, journals, and every stream with what it waits for. It loads nothing from elsewhere.
 *
 * @example
 * app.use(dashboard({ base: '/dashboard', authorize: (req) => isOperator(req) }))
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function dashboard(options: DashboardOptions = {}): Dashboard {
  onlyKnown(options, FIELD, ['authorize', 'challenge', 'readOnly', 'base', 'onError'])
  const { authorize, challenge, base = BASE, onError } = options
  if (authorize !== undefined) callable(authorize, `${FIELD}.authorize`)
  if (onError !== undefined) callable(onError, `${FIELD}.onError`)
  if (challenge !== undefined && (typeof challenge !== 'string' || !/^[\x20-\x7e]+$/.test(challenge)))
    throw configError(`${FIELD}.challenge`, 'a text of visible ASCII characters', challenge)
  if (typeof base !== 'string' || !/^(?:\/[\w.~-]+)+$/.test(base))
    throw configError(`${FIELD}.base`, "a path like '/dashboard', without a slash at its end", base)
  const isMountable = options.base === undefined
  const served = new Served(new Door(authorize, challenge), flag(options.readOnly, `${FIELD}.readOnly`, true), base, isMountable, onError)
  return Object.assign(served.answer, { base })
}

class Served {
  readonly #door: Door
  readonly #readOnly: boolean
  readonly #base: string
  /** No base was given: it may lie where a framework mounts it. */
  readonly #isMountable: boolean
  readonly #onError: DashboardOptions['onError']
  readonly #views = new WeakMap<IncomingMessage, View>()
  readonly #feed = feedOf((req) => this.#views.get(req) as View, HEADERS)

  constructor(door: Door, readOnly: boolean, base: string, isMountable: boolean, onError: DashboardOptions['onError']) {
    this.#door = door
    this.#readOnly = readOnly
    this.#base = base
    this.#isMountable = isMountable
    this.#onError = onError
  }

  readonly answer: (...given: Parameters<Dashboard>) => Promise<void> = async (request, response, next) => {
    const [req, res] = [request as IncomingMessage, response as ServerResponse]
    // Express takes off what a router is mounted at.
    const url = (req as { originalUrl?: string }).originalUrl ?? req.url ?? ''
    const [path = '', query = ''] = url.split('?', 2)
    const mount = this.#isMountable ? mountOf(req) : undefined
    const base = mount ?? this.#base
    const isBelow = path === base || path.startsWith(`${base}/`)
    // Other routes may lie below a mount as well.
    if (!isBelow || (mount !== undefined && !this.#isRoute(path.slice(base.length))))
      return next === undefined ? refuse(res, NOT_FOUND) : next()
    // Nobody hears of a response whose client is gone.
    res.on('error', () => {})
    try {
      await this.#routed(req, res, base, path.slice(base.length), query)
    } catch (error) {
      reportFailure(this.#onError, error, req)
      if (!res.headersSent) refuse(res, BROKEN)
    }
  }

  #isRoute(path: string): boolean {
    const { script, style } = pageFiles()
    return ['', '/', '/feed', '/picture', `/${script.name}`, `/${style.name}`].includes(path) || path.startsWith('/streams/')
  }

  async #routed(req: IncomingMessage, res: ServerResponse, base: string, path: string, query: string): Promise<void> {
    const refused = await this.#refused(req)
    if (refused !== undefined) return refuse(res, refused)
    if (path.length + query.length > LONGEST_URL) return refuse(res, TOO_LONG)
    if (path.startsWith('/streams/')) return this.#stream(req, res, path)
    if (req.method !== 'GET' && req.method !== 'HEAD') return refuse(res, READS, { allow: 'GET, HEAD' })
    // Relative addresses work behind a proxy that takes off a part of the path.
    if (path === '') return send(res, 308, '', { location: `${base.slice(base.lastIndexOf('/') + 1)}/` })
    if (path === '/') return this.#page(req, res)
    const refusedOrigin = this.#door.refusedOrigin(req)
    if (refusedOrigin !== undefined) return refuse(res, refusedOrigin)
    if (path === '/feed' || path === '/picture') return this.#picture(req, res, path, query)
    const { script, style } = pageFiles()
    const file = [script, style].find(({ name }) => path === `/${name}`)
    return file === undefined ? refuse(res, NOT_FOUND) : sendFile(req, res, file)
  }

  async #refused(req: IncomingMessage): Promise<Refusal | undefined> {
    try {
      return await this.#door.refused(req)
    } catch (error) {
      reportFailure(this.#onError, error, req)
      return FAILED
    }
  }

  #page(req: IncomingMessage, res: ServerResponse): void {
    const body = html(pageFiles(), this.#readOnly ? '' : this.#door.token)
    send(res, 200, req.method === 'HEAD' ? '' : body, { 'content-type': 'text/html; charset=utf-8' })
  }

  async #picture(req: IncomingMessage, res: ServerResponse, path: string, query: string): Promise<void> {
    try {
      const view = viewOf(new URLSearchParams(query))
      // What is wrong with it is said here, before there is a stream.
      if (path === '/picture' || req.method === 'HEAD') return json(res, 200, pictureOf(view))
      pictureOf({ ...view, limit: 0, stream: '' })
      this.#views.set(req, view)
    } catch (error) {
      if (!(error instanceof VeloError && error.code === 'VELO_CONFIG')) throw error
      return refuse(res, { status: 400, code: error.code, message: error.message })
    }
    return this.#feed(req, res)
  }

  #stream(req: IncomingMessage, res: ServerResponse, path: string): void {
    const { method = 'GET' } = req
    const door = this.#door
    const writes = method !== 'GET' && method !== 'HEAD'
    if (writes && this.#readOnly) return refuse(res, READ_ONLY)
    const refused = door.refusedOrigin(req) ?? (writes ? door.refusedToken(req) : undefined)
    if (refused !== undefined) return refuse(res, refused)
    const { status, body, headers } = viewAnswer({ method, url: path }, { readOnly: this.#readOnly })
    json(res, status, body, headers)
  }
}

/** Where a framework has mounted it: Express says so, others take it off the URL. */
function mountOf(req: IncomingMessage & { readonly originalUrl?: string; readonly baseUrl?: string }): string | undefined {
  const [whole = ''] = (req.originalUrl ?? '').split('?', 1)
  const [rest = ''] = (req.url ?? '').split('?', 1)
  const taken = whole.endsWith(rest) ? whole.slice(0, whole.length - rest.length) : rest === '/' ? whole : ''
  return (req.baseUrl ?? taken) || undefined
}

function send(res: ServerResponse, status: number, body: string | Buffer, headers: Readonly<Record<string, string>>): void {
  res.writeHead(status, { ...HEADERS, 'content-length': String(Buffer.byteLength(body)), ...headers }).end(body)
}

function sendFile(req: IncomingMessage, res: ServerResponse, { type, etag, body }: PageFile): void {
  const headers = { 'cache-control': 'private, max-age=31536000, immutable', etag }
  if (req.headers['if-none-match'] === etag) {
    res.writeHead(304, { ...HEADERS, ...headers }).end()
    return
  }
  send(res, 200, req.method === 'HEAD' ? '' : body, { 'content-type': type, ...headers })
}

function json(res: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  send(res, status, `${JSON.stringify(body)}\n`, { 'content-type': 'application/json; charset=utf-8', ...headers })
}

function refuse(res: ServerResponse, { status, code, message, headers }: Refusal, more?: Readonly<Record<string, string>>): void {
  json(res, status, { error: { code, message } }, { ...headers, ...more })
}
