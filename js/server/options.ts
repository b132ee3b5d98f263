// Every option of `createServer`, once: its meaning, its default and its check.

import type { IncomingMessage } from 'node:http'
import type { TlsOptions } from 'node:tls'
import type { Dashboard, DashboardOptions } from '../dashboard/index.js'
import type { HttpOptions } from '../http/index.js'
import type { Durable, StreamFunction, StreamGenerator, StreamOptions } from '../index.js'
import { callable, configError, duration, flag, integer, onlyKnown } from '../kit/check.js'
import { type Sharing, sharingOf } from '../kit/keeping/keeping.js'
import type { OnError } from '../kit/sight/failure-report.js'
import type { SocketOptions } from '../websocket/index.js'
import { boardOf } from './board.js'
import { checkDurable, checkName, checkPipelines } from './checks.js'
import { type Trust, type TrustProxy, trustOf } from './client-address.js'

/** A stream function, a plain async generator, or the URL of a module that exports one of them. */
export type Servable = StreamFunction<never, unknown> | StreamGenerator<never, unknown> | URL

/** Options of the HTTP side of a function; what the server itself decides is left out. */
export type ServedHttp = Omit<HttpOptions<never, unknown>, 'draining' | 'openOptions' | 'onError' | 'owner'>

/** Options of the WebSocket side of a function; what the server itself decides is left out. */
export type ServedSocketOptions = Omit<SocketOptions, 'request' | 'owner' | 'headers' | 'id' | 'signal' | 'onError'>

/** A function with options of its own: those of `streamFn`, and how it is served. */
export interface ServedFunction extends Omit<StreamOptions, 'name'> {
  fn: Servable
  /** Laid over the server's `http`. */
  http?: ServedHttp | undefined
  /** Laid over the server's `websocket`. */
  websocket?: ServedSocketOptions | undefined
}

/** Options of `createServer`. Durations are ms. */
export interface ServerOptions {
  /**
   * What is served: a map from the name in the URL to a function, a folder, or one module by its path. Of a folder, every module (`.js`, `.mjs`, `.cjs`; `.ts` and `.mts` where Node.js runs them) whose
   * name begins neither with a dot nor an underscore is served under its name; its default export is the function, and it may export `options`, a `ServedFunction` without `fn`.
   * May be left out beside `cluster`, all of whose functions are served then.
   */
  functions?: string | URL | Readonly<Record<string, Servable | ServedFunction>> | undefined
  /** More names, each for several functions one after the other; or `true`: clients may join up to 8 served functions by themselves, as `/fn/a|b`. A pipeline has the limits of its first function, for itself. Default: none. */
  pipelines?: Readonly<Record<string, readonly string[]>> | boolean | undefined
  /** Where the functions of modules run that do not say it themselves. Default `'local'`. */
  placement?: 'local' | 'worker' | undefined
  /**
   * Where the streams of all functions that have no `durable` of their own are kept: a journal of `velo-stream/durable`. Their clients may come back, over WebSocket (`onDisconnect: { graceMs: 30000 }`) and
   * server-sent events (`resume: true`), unless the options say otherwise, and also after the server has died or was replaced. Streams to which nobody has come back within that grace
   * after `listen()` are removed. Default: none is kept.
   */
  durable?: Durable | undefined
  /**
   * A cluster of `velo-stream/redis`: the streams of its functions are sessions, which run in whichever process hosts them. Their clients may come back to any server of the cluster, as with `durable`. Functions that
   * it does not have are served as without it. Default: none.
   */
  cluster?: object | undefined
  /** Events are `{ headers, payload }`, as in the paper: an event without a payload is refused (`VELO_EVENT`), headers left out are `{}`. Default false. */
  envelope?: boolean | undefined
  /** How requests and results are read and written, for all functions. */
  http?: ServedHttp | undefined
  /** The same of WebSocket; `false` = none is offered. Default: it is offered where the package `ws` is installed; with options, it must be. */
  websocket?: ServedSocketOptions | boolean | undefined
  /**
   * Requests and WebSockets that have a stream at once; the next one gets 503. A stream that outlives its connection keeps the place until it ends; who asks to resume one meets
   * double the limits. Default 1000.
   */
  maxConcurrent?: number | undefined
  /** The same for one client: the principal from `authorize`, or else the address. The next one gets 429. Default 100. */
  maxPerClient?: number | undefined
  /** Connections open at once; more are closed at once. Default 10000. */
  maxConnections?: number | undefined
  /**
   * Says who asks for a stream; the function finds it as `ctx.headers['velo-principal']`. What is falsy is refused: with 401 where the request has no Authorization, else with 403.
   * Default: everybody may.
   */
  authorize?: ((req: IncomingMessage, asked: Asked) => Answer | PromiseLike<Answer>) | undefined
  /** How long `authorize` may take; then the request gets 503. A client has at most `maxPerClient` requests that wait for it. 0 = for ever. Default 10000. */
  authorizeTimeout?: number | undefined
  /**
   * Which proxies are trusted to say in `X-Forwarded-For` whose request it is, for `maxPerClient`; as `trust proxy` of Express: `true` (all, so the leftmost address counts), a number of hops,
   * addresses and subnets (also `'loopback'`, `'linklocal'`, `'uniquelocal'`), or a function of an address and its hop. Default: none, the address of the connection counts.
   */
  trustProxy?: boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean) | undefined
  /**
   * Web pages of other sites that may ask for a stream, over WebSocket or HTTP: origins as `https://example.com`, `'*'` for all, or a function that answers true. Default: only those of this server's own
   * host, if that is one of `hosts`.
   */
  origins?: readonly string[] | '*' | ((origin: string, req: IncomingMessage) => boolean | PromiseLike<boolean>) | undefined
  /** Web pages of other origins that may call, with what CORS needs for it: origins as `https://example.com`, or `'*'` for all. They may open a WebSocket too. Default: none. */
  cors?: readonly string[] | '*' | undefined
  /**
   * Names (without a port) by which this server may be asked; others get 403, but for `/healthz` and `/readyz`. An address in place of a name is no risk and always allowed. Default: `localhost` and the
   * loopback addresses if it listens on one of them, else any.
   */
  hosts?: readonly string[] | undefined
  /** Whether `/metrics` answers, and to whom; `authorize` of the server is not asked. Default true: everybody who may reach the server. */
  metrics?: boolean | MetricsOptions | undefined
  /**
   * Whether `/admin` shows what runs in the process, and may abort streams: what `velo top --url` asks. `true`: to this machine alone, and nothing can be aborted. Default false.
   */
  admin?: boolean | AdminOptions | undefined
  /** The page of `velo-stream/dashboard`, with its options. `true`: under `/dashboard`, to this machine alone, and nothing can be aborted. Default false. */
  dashboard?: boolean | DashboardOptions | undefined
  /** How long the head of a request may take, and a TLS handshake. From 1. Default 10000. */
  headersTimeout?: number | undefined
  /**
   * How long nothing may come of a body that is not complete, and no result go out meanwhile; then the request gets 408, or its answer is cut. 0 = for ever. Default 60000. For
   * bodies that only trickle, set the `idleTimeout` of the function: so long without a whole event, and the client is told the same.
   */
  bodyTimeout?: number | undefined
  /** How long a connection without a request is kept. Default 5000. */
  keepAliveTimeout?: number | undefined
  /** Serves HTTPS with these options of `node:tls`. */
  tls?: TlsOptions | undefined
  /** Offers HTTP/2 beside HTTP/1.1; needs `tls`. Default false. */
  http2?: boolean | undefined
  /** At `close()`: how long streams that are open may go on before they are aborted. Default 10000. */
  grace?: number | undefined
  /** At `close()`: how long `/readyz` says 503 before new connections are refused, so that a load balancer sees it. Default 0. */
  readyDelay?: number | undefined
  /** Closes the server at SIGTERM and SIGINT; the second one aborts what is open. Default false. */
  signals?: boolean | undefined
  /**
   * Receives what failed a stream or a request, once per stream, with `{ function, id, request }`; the client is told less. Not called for clients that leave. Default: what a function, `authorize` or
   * `origins` throws is written to the log of `runtime.configure({ log })`, or else with `console.error`.
   */
  onError?: OnError<IncomingMessage> | undefined
}

/** Options of `metrics`. */
export interface MetricsOptions {
  /** Whether who asks may read them; only `true` lets in, others get 401 or 403. Default: everybody. */
  authorize?: ((req: IncomingMessage) => boolean | PromiseLike<boolean>) | undefined
}

/** Options of `admin`. */
export interface AdminOptions {
  /** Whether who asks may look, and abort where that is allowed. Default: this machine may, by a loopback address and without a proxy. */
  authorize?: ((req: IncomingMessage) => boolean | PromiseLike<boolean>) | undefined
  /** Refuses to abort streams. Default true. */
  readOnly?: boolean | undefined
}

/** What a request asks for. */
export interface Asked {
  /** The names of the functions that it would run, as they are served: of a pipeline, each of its stages. */
  readonly functions: readonly string[]
}

/** The principal; what is falsy means no. */
type Answer = string | null | undefined | false

/** Options with every default filled in. */
export interface Settings {
  readonly functions: NonNullable<ServerOptions['functions']>
  readonly pipelines: Readonly<Record<string, readonly string[]>>
  readonly joins: boolean
  readonly placement: 'local' | 'worker'
  readonly durable: Durable | undefined
  readonly sharing: Sharing | undefined
  readonly envelope: boolean
  readonly http: ServedHttp
  readonly websocket: ServedSocketOptions | undefined
  readonly websocketRequired: boolean
  readonly maxConcurrent: number
  readonly maxPerClient: number
  readonly maxConnections: number
  readonly authorize: ServerOptions['authorize']
  readonly authorizeTimeout: number
  readonly trustProxy: Trust | undefined
  readonly origins: ServerOptions['origins']
  readonly cors: ServerOptions['cors']
  readonly hosts: readonly string[] | undefined
  readonly metrics: MetricsOptions | undefined
  readonly admin: AdminOptions | undefined
  readonly dashboard: Dashboard | undefined
  readonly headersTimeout: number
  readonly bodyTimeout: number
  readonly keepAliveTimeout: number
  readonly tls: TlsOptions | undefined
  readonly http2: boolean
  readonly grace: number
  readonly readyDelay: number
  readonly signals: boolean
  readonly onError: ServerOptions['onError']
}

const FIELD = 'createServer(options)'
const names =
  'functions pipelines placement durable cluster envelope http websocket maxConcurrent maxPerClient maxConnections authorize authorizeTimeout trustProxy origins cors hosts metrics admin dashboard headersTimeout bodyTimeout keepAliveTimeout tls http2 grace readyDelay signals onError'.split(
    ' ',
  )

/** Checks the options and fills the defaults in. Throws `VELO_CONFIG`. */
export function settingsOf(options: ServerOptions): Settings {
  onlyKnown(options, FIELD, names)
  const sharing = sharedBy(options)
  const {
    functions = allOf(sharing),
    pipelines,
    placement = 'local',
    http = {},
    websocket,
    authorize,
    origins,
    cors,
    hosts,
    tls,
    onError,
  } = options
  if (typeof functions !== 'string' && !(functions instanceof URL)) {
    if (typeof functions !== 'object' || functions === null)
      throw configError(`${FIELD}.functions`, 'a folder, a module or an object', functions)
    for (const name of Object.keys(functions)) checkName(name, `${FIELD}.functions`)
  }
  if (pipelines !== undefined && typeof pipelines !== 'boolean') checkPipelines(pipelines)
  if (placement !== 'local' && placement !== 'worker') throw configError(`${FIELD}.placement`, "'local' or 'worker'", placement)
  if (typeof http !== 'object' || http === null) throw configError(`${FIELD}.http`, 'an object', http)
  if (websocket !== undefined && typeof websocket !== 'boolean' && (typeof websocket !== 'object' || websocket === null))
    throw configError(`${FIELD}.websocket`, 'an object or a boolean', websocket)
  for (const [name, value] of Object.entries({ authorize, onError }))
    if (value !== undefined && typeof value !== 'function') throw configError(`${FIELD}.${name}`, 'a function', value)
  if (origins !== undefined && origins !== '*' && typeof origins !== 'function' && !Array.isArray(origins))
    throw configError(`${FIELD}.origins`, "an array of origins, '*' or a function", origins)
  if (cors !== undefined && cors !== '*' && !(Array.isArray(cors) && cors.every((origin) => typeof origin === 'string')))
    throw configError(`${FIELD}.cors`, "an array of origins, or '*'", cors)
  if (hosts !== undefined && (!Array.isArray(hosts) || hosts.some((host) => typeof host !== 'string')))
    throw configError(`${FIELD}.hosts`, 'an array of names', hosts)
  if (tls !== undefined && (typeof tls !== 'object' || tls === null)) throw configError(`${FIELD}.tls`, 'an object', tls)
  checkDurable(options.durable)
  const http2 = flag(options.http2, `${FIELD}.http2`, false)
  if (http2 && tls === undefined) throw configError(`${FIELD}.http2`, 'tls beside it', http2)
  const headersTimeout = duration(options.headersTimeout, `${FIELD}.headersTimeout`, 0, 10_000)
  if (headersTimeout < 1) throw configError(`${FIELD}.headersTimeout`, 'ms from 1 up', headersTimeout)
  return {
    functions,
    pipelines: typeof pipelines === 'object' ? pipelines : {},
    joins: pipelines === true,
    placement,
    durable: options.durable,
    sharing,
    envelope: flag(options.envelope, `${FIELD}.envelope`, false),
    http,
    websocket: websocket === false ? undefined : typeof websocket === 'object' ? websocket : {},
    websocketRequired: websocket === true || typeof websocket === 'object',
    maxConcurrent: integer(options.maxConcurrent, `${FIELD}.maxConcurrent`, 1, 1000),
    maxPerClient: integer(options.maxPerClient, `${FIELD}.maxPerClient`, 1, 100),
    maxConnections: integer(options.maxConnections, `${FIELD}.maxConnections`, 1, 10_000),
    authorize,
    authorizeTimeout: duration(options.authorizeTimeout, `${FIELD}.authorizeTimeout`, 0, 10_000),
    trustProxy: trustOf(options.trustProxy as TrustProxy | undefined, `${FIELD}.trustProxy`),
    origins,
    cors,
    hosts,
    metrics: metricsOf(options.metrics),
    admin: adminOf(options.admin),
    dashboard: boardOf(options.dashboard, onError, `${FIELD}.dashboard`),
    headersTimeout,
    bodyTimeout: duration(options.bodyTimeout, `${FIELD}.bodyTimeout`, 0, 60_000),
    keepAliveTimeout: duration(options.keepAliveTimeout, `${FIELD}.keepAliveTimeout`, 0, 5000),
    tls,
    http2,
    grace: duration(options.grace, `${FIELD}.grace`, 0, 10_000),
    readyDelay: duration(options.readyDelay, `${FIELD}.readyDelay`, 0, 0),
    signals: flag(options.signals, `${FIELD}.signals`, false),
    onError,
  }
}

function metricsOf(metrics: ServerOptions['metrics']): MetricsOptions | undefined {
  if (typeof metrics !== 'object' || metrics === null) return flag(metrics, `${FIELD}.metrics`, true) ? {} : undefined
  onlyKnown(metrics, `${FIELD}.metrics`, ['authorize'])
  if (metrics.authorize !== undefined) callable(metrics.authorize, `${FIELD}.metrics.authorize`)
  return metrics
}

function adminOf(admin: ServerOptions['admin']): AdminOptions | undefined {
  if (admin === undefined || typeof admin === 'boolean') return admin === true ? {} : undefined
  const field = `${FIELD}.admin`
  onlyKnown(admin, field, ['authorize', 'readOnly'])
  if (admin.authorize !== undefined) callable(admin.authorize, `${field}.authorize`)
  return { authorize: admin.authorize, readOnly: flag(admin.readOnly, `${field}.readOnly`, true) }
}

/** What the cluster shares with servers. */
function sharedBy({ cluster, durable, pipelines, envelope }: ServerOptions): Sharing | undefined {
  if (cluster === undefined) return undefined
  const sharing = sharingOf(cluster)
  if (sharing === undefined) throw configError(`${FIELD}.cluster`, 'a cluster of velo-stream/redis', cluster)
  if (durable !== undefined) throw configError(`${FIELD}.durable`, 'nothing beside cluster, which keeps its sessions itself', durable)
  // Those who host sessions know functions by the names that the cluster has for them.
  if (pipelines) throw configError(`${FIELD}.pipelines`, 'nothing beside cluster, which may have pipelines among its functions', pipelines)
  if (envelope) throw configError(`${FIELD}.envelope`, 'false beside cluster, whose functions may have a schema', envelope)
  return sharing
}

/** Functions that nobody names. */
function allOf(sharing: Sharing | undefined): ServerOptions['functions'] {
  return sharing && Object.fromEntries([...sharing.functions].map(([name, { fn }]) => [name, fn as Servable]))
}
