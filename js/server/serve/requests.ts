// js/server/serve: what becomes of one request or socket. Knows nothing of listening and draining.
//
// The HTTP side: routes, and one stream for each admitted request.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Handler, handler } from '../../http/index.js'
import { reportFailure } from '../../kit/sight/failure-report.js'
import { metricsText, metricsType } from '../../telemetry/index.js'
import { isBelow } from '../board.js'
import type { Entry } from '../functions/functions.js'
import { httpOf } from '../functions/kept.js'
import { BodyWatch } from '../listen/body-watch.js'
import type { MetricsOptions, Settings } from '../options.js'
import { type ServerNumbers, serverFamilies } from '../server-families.js'
import { Admin, isAdmin, notAllowed } from './admin.js'
import { answersCors } from './cors.js'
import { type Admitted, type Door, isRefusal, pathOf } from './door.js'
import { hostAllowed, OTHER_HOST } from './hosts.js'
import { OTHER_ORIGIN, originAllowed } from './origins.js'
import { cutOff, isGone, type Refusal, refuse, send } from './reply.js'

/** What the requests need of the server. */
export interface RequestsOptions {
  readonly settings: Settings
  readonly door: Door
  /** Fires when the server begins to stop: open event streams are told. */
  readonly draining: AbortSignal
  /** Fires when what is open must end. */
  readonly abort: AbortSignal
  readonly ready: () => boolean
  /** Names by which the server may be asked; `undefined`: all. */
  readonly names: () => readonly string[] | undefined
  readonly numbers: () => ServerNumbers
  readonly count: (fn: string, status: number) => void
}

const METHODS = ['GET', 'HEAD', 'POST']
const BAD_METHOD: Refusal = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  message: 'use POST, or GET for server-sent events',
  headers: { allow: METHODS.join(', ') },
}
const BROKEN: Refusal = { status: 500, code: 'FAILED', message: 'the server could not decide' }
const NOT_FOUND: Refusal = { status: 404, code: 'NOT_FOUND', message: 'try /fn/<name>, /healthz, /readyz or /metrics' }

/** Answers requests. */
export class Requests {
  readonly #options: RequestsOptions
  /** One handler for each function, gone with it. */
  readonly #handlers = new WeakMap<Entry, Handler>()
  readonly #admitted = new WeakMap<IncomingMessage, Admitted>()
  readonly #bodies: BodyWatch
  readonly #admin: Admin | undefined
  /** Responses to bodies that did not come. */
  readonly #silent = new WeakSet<ServerResponse>()
  /** Requests under way that have a stream. */
  readonly #open = new Set<ServerResponse>()
  #idle: (() => void) | undefined

  constructor(options: RequestsOptions) {
    this.#options = options
    const { settings } = options
    this.#admin = settings.admin === undefined ? undefined : new Admin(settings.admin, settings)
    this.#bodies = new BodyWatch(settings.bodyTimeout, (req, res) => {
      if (!res.headersSent) this.#silent.add(res)
      onSilent(req, res)
    })
  }

  /** Makes the handler of an entry that is certain to be asked for. Throws `VELO_CONFIG` for wrong options. */
  prepare(entry: Entry): void {
    this.#handlerOf(entry)
  }

  readonly onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    const { ready, settings } = this.#options
    const path = pathOf(req)
    const isHealth = path === '/healthz' || path === '/readyz'
    // Who asks whether the server is well knows no more by any name.
    if (!isHealth && !hostAllowed(req, this.#options.names())) return this.#refuse(req, res, '-', OTHER_HOST)
    const { cors, dashboard } = settings
    // No page of another origin may read it, whatever `cors` says.
    if (dashboard !== undefined && isBelow(path, dashboard.base)) return void dashboard(req, res)
    if (cors !== undefined && answersCors(cors, req, res)) return
    if (path.startsWith('/fn/')) {
      this.#serve(req, res, path).catch((error: unknown) => {
        this.#refuse(req, res, '-', BROKEN)
        reportFailure(settings.onError, error, req)
      })
      return
    }
    const reads = req.method === 'GET' || req.method === 'HEAD'
    if (reads && path === '/healthz') return send(req, res, 200, 'text/plain', 'ok\n')
    if (reads && path === '/readyz')
      return ready() ? send(req, res, 200, 'text/plain', 'ready\n') : send(req, res, 503, 'text/plain', 'draining\n')
    if (reads && path === '/metrics' && settings.metrics !== undefined) return void this.#metrics(req, res, settings.metrics)
    if (this.#admin !== undefined && isAdmin(path)) {
      this.#admin.answer(req, res, path).then(
        (refusal) => refusal && this.#refuse(req, res, '-', refusal),
        (error: unknown) => {
          this.#refuse(req, res, '-', BROKEN)
          reportFailure(settings.onError, error, req)
        },
      )
      return
    }
    this.#refuse(req, res, '-', NOT_FOUND)
  }

  /** Resolves when no request has a stream. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      if (this.#open.size === 0) resolve()
    })
  }

  dispose(): void {
    this.#bodies.dispose()
  }

  async #serve(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    const { door, count, settings } = this.#options
    if (!METHODS.includes(req.method ?? '')) return this.#refuse(req, res, '-', BAD_METHOD)
    if (!(await originAllowed(req, settings))) return this.#refuse(req, res, '-', OTHER_ORIGIN)
    const admitted = await door.admit(req, path)
    if (isRefusal(admitted)) return this.#refuse(req, res, door.find(path)?.name ?? '-', admitted)
    const { entry } = admitted
    // It may have gone while it was asked who it is; then no event will tell.
    if (isGone(res)) return admitted.release()
    this.#admitted.set(req, admitted)
    this.#open.add(res)
    res.once('close', () => {
      admitted.release()
      // 499: the client went away before it was answered, as nginx counts it.
      count(entry.name, this.#silent.has(res) ? 408 : res.headersSent ? res.statusCode : 499)
      this.#open.delete(res)
      if (this.#open.size === 0) this.#idle?.()
    })
    // What is declared as too large is refused before it is sent.
    const isTooLarge = Number(req.headers['content-length']) > (httpOf(entry, settings).maxTotal ?? Number.POSITIVE_INFINITY)
    if (req.headers.expect?.toLowerCase() === '100-continue' && !isTooLarge) res.writeContinue()
    this.#bodies.add(req, res)
    void this.#handlerOf(entry)(req, res)
  }

  /** Never rejects. */
  async #metrics(req: IncomingMessage, res: ServerResponse, { authorize }: MetricsOptions): Promise<void> {
    const { numbers, settings } = this.#options
    const refused = authorize && (await notAllowed(authorize, req, settings.onError))
    if (refused !== undefined) return this.#refuse(req, res, '-', refused)
    if (isGone(res)) return
    const openMetrics = req.headers.accept?.includes('application/openmetrics-text') === true
    send(req, res, 200, metricsType({ openMetrics }), metricsText({ openMetrics, extra: serverFamilies(numbers()) }))
  }

  #handlerOf(entry: Entry): Handler {
    const known = this.#handlers.get(entry)
    if (known !== undefined) return known
    const { settings, draining, abort } = this.#options
    const made = handler(entry.fn, {
      ...httpOf(entry, settings),
      draining,
      owner: (req: IncomingMessage) => this.#admitted.get(req)?.principal,
      openOptions: (req: IncomingMessage) => ({ headers: this.#admitted.get(req)?.headers, signal: abort }),
      onError: settings.onError,
    })
    this.#handlers.set(entry, made)
    return made
  }

  #refuse(req: IncomingMessage, res: ServerResponse, fn: string, refusal: Refusal): void {
    this.#options.count(fn, refusal.status)
    refuse(req, res, refusal)
  }
}

/** A body does not come. Where nothing has been said yet, the status is written as Node.js itself does it. */
function onSilent(req: IncomingMessage, res: ServerResponse): void {
  // Behind another answer on the same connection a response has no socket yet.
  if (req.httpVersionMajor === 1 && !res.headersSent && res.socket?.writable)
    res.socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
  cutOff(req)
}
