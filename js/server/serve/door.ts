// What a request must pass before it gets a stream, over HTTP and WebSocket alike: the name, the draining, who asks, the limits.

import type { IncomingMessage } from 'node:http'
import type { StreamHeaders } from '../../index.js'
import { configError } from '../../kit/check.js'
import { isAwaited } from '../../kit/iteration/returns.js'
import { reportFailure } from '../../kit/sight/failure-report.js'
import type { Catalog } from '../functions/catalog.js'
import type { Entry } from '../functions/functions.js'
import type { Settings } from '../options.js'
import type { Admission, Release } from './admission.js'
import type { OpenStreams } from './open-streams.js'
import type { Refusal } from './reply.js'

/** A request that may have its stream. Call `release` when it is over. */
export interface Admitted {
  readonly entry: Entry
  /** From `authorize`; `undefined` where everybody may. */
  readonly principal: string | undefined
  /** To be handed to the function, these very ones: its stream has the place too, until it ends. */
  readonly headers: StreamHeaders
  readonly release: Release
}

/** Header by which the function learns who asks. Whatever a client sends under this name is left out. */
const PRINCIPAL = 'velo-principal'

/** Lets requests in. */
export class Door {
  readonly #settings: Pick<Settings, 'authorize' | 'onError'>
  readonly #catalog: Catalog
  readonly #admission: Admission
  readonly #streams: OpenStreams
  /** The server stops: nobody is let in. */
  closed = false

  constructor(settings: Pick<Settings, 'authorize' | 'onError'>, catalog: Catalog, admission: Admission, streams: OpenStreams) {
    this.#settings = settings
    this.#catalog = catalog
    this.#admission = admission
    this.#streams = streams
  }

  /** What `/fn/<name>` names, or why it names nothing. */
  find(path: string): Entry | Refusal {
    const name = decoded(path.slice('/fn/'.length))
    const entry = name === undefined ? undefined : this.#catalog.find(name)
    if (entry !== undefined) return entry
    return { status: 404, code: 'NOT_FOUND', message: `there is no function of this name` }
  }

  /** Lets a request to `entry` in, or says why not. Never rejects. */
  async admit(req: IncomingMessage, entry: Entry): Promise<Admitted | Refusal> {
    if (this.closed) return draining
    const { authorize, onError } = this.#settings
    let principal: string | undefined
    if (authorize !== undefined) {
      try {
        principal = (await authorize(req, { functions: entry.functions })) || undefined
        if (principal !== undefined && typeof principal !== 'string')
          throw configError('createServer(options).authorize', 'to answer a string, or something falsy', principal)
      } catch (error) {
        reportFailure(onError, error, req, entry.name)
        return { status: 500, code: 'AUTHORIZE_FAILED', message: 'it could not be found out who asks' }
      }
      if (principal === undefined) return req.headers.authorization === undefined ? unauthorized : forbidden
      if (this.closed) return draining
    }
    const client = principal === undefined ? (req.socket.remoteAddress ?? '') : `principal ${principal}`
    const release = this.#admission.enter(client, comesBack(req, principal))
    if (release === 'client')
      return { status: 429, code: 'VELO_OVERLOADED', message: 'this client has too many streams open', headers: retry }
    if (release === 'server')
      return { status: 503, code: 'VELO_OVERLOADED', message: 'the server has too many streams open', headers: retry }
    const headers = headersFor(req, principal)
    return { entry, principal, headers, release: this.#streams.hold(headers, release) }
  }
}

const retry = { 'retry-after': '1' }
const draining: Refusal = { status: 503, code: 'VELO_DRAINING', message: 'the server stops', headers: { connection: 'close', ...retry } }
const unauthorized: Refusal = { status: 401, code: 'UNAUTHORIZED', message: 'who asks?' }
const forbidden: Refusal = { status: 403, code: 'FORBIDDEN', message: 'not for you' }

/** Whether the client had a stream that still knows it; to say so is not enough. */
function comesBack({ headers, url = '' }: IncomingMessage, principal: string | undefined): boolean {
  const [, id] = /^(.+):\d{1,15}$/.exec(String(headers['last-event-id'] ?? '')) ?? []
  const token = new URLSearchParams(url.split('?', 2)[1] ?? '').get('resume')
  return [id === undefined ? undefined : decoded(id), token].some((key) => typeof key === 'string' && isAwaited(key, principal))
}

/** What the function gets as `ctx.headers`: those of the request, without the pseudo headers of HTTP/2, and who asks. */
function headersFor(req: IncomingMessage, principal: string | undefined): StreamHeaders {
  const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => !name.startsWith(':') && name !== PRINCIPAL))
  return principal === undefined ? headers : { ...headers, [PRINCIPAL]: principal }
}

/** The path of a request, without its query; also of one whose target is a whole URL, as proxies write it. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const [path = '/'] = url.split('?', 1)
  return /^https?:\/\/[^/]+(\/.*)?$/i.exec(path)?.[1] ?? (path.startsWith('/') ? path : '/')
}

/** Whether `found` refuses. */
export const isRefusal = (found: object): found is Refusal => 'status' in found

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}
