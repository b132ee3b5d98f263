// What a request must pass before it gets a stream, over HTTP and WebSocket alike: the name, the draining, who asks, the limits.

import type { IncomingMessage } from 'node:http'
import { type StreamHeaders, TimeoutError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { isAwaited } from '../../kit/iteration/returns.js'
import { reportFailure } from '../../kit/sight/failure-report.js'
import { clientAddress } from '../client-address.js'
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
  readonly #settings: Pick<Settings, 'authorize' | 'authorizeTimeout' | 'trustProxy' | 'onError'>
  readonly #catalog: Catalog
  readonly #admission: Admission
  readonly #streams: OpenStreams
  /** The server stops: nobody is let in. */
  closed = false

  constructor(
    settings: Pick<Settings, 'authorize' | 'authorizeTimeout' | 'trustProxy' | 'onError'>,
    catalog: Catalog,
    admission: Admission,
    streams: OpenStreams,
  ) {
    this.#settings = settings
    this.#catalog = catalog
    this.#admission = admission
    this.#streams = streams
  }

  /** What `/fn/<name>` names, if anything. */
  find(path: string): Entry | undefined {
    const name = decoded(path.slice('/fn/'.length))
    return name === undefined ? undefined : this.#catalog.find(name)
  }

  /** Lets a request to `/fn/<name>` in, or says why not. Whether there is such a function learns only who may ask. Never rejects. */
  async admit(req: IncomingMessage, path: string): Promise<Admitted | Refusal> {
    if (this.closed) return draining
    const { authorize, trustProxy } = this.#settings
    const entry = this.find(path)
    const address = clientAddress(req, trustProxy)
    let principal: string | undefined
    if (authorize !== undefined) {
      const functions = entry?.functions ?? (decoded(path.slice('/fn/'.length))?.split('|') || [])
      const found = await this.#authorized(req, address, entry?.name, () => authorize(req, { functions }))
      if (typeof found !== 'string') return found
      principal = found
      if (this.closed) return draining
    }
    if (entry === undefined) return NO_FUNCTION
    const release = this.#enter(principal === undefined ? address : `principal ${principal}`, comesBack(req, principal))
    if (typeof release !== 'function') return release
    const headers = headersFor(req, principal)
    return { entry, principal, headers, release: this.#streams.hold(headers, release) }
  }

  /** The principal, or a refusal. While it is not known, its client has a place: what waits for an answer is bounded. */
  async #authorized(req: IncomingMessage, address: string, name: string | undefined, ask: () => unknown): Promise<string | Refusal> {
    const release = this.#enter(`authorize ${address}`, false)
    if (typeof release !== 'function') return release
    try {
      const principal = await this.#inTime(Promise.resolve(ask()).finally(release))
      if (!principal) return req.headers.authorization === undefined ? unauthorized : forbidden
      if (typeof principal !== 'string')
        throw configError('createServer(options).authorize', 'to answer a string, or something falsy', principal)
      return principal
    } catch (error) {
      release()
      reportFailure(this.#settings.onError, error, req, name)
      return error instanceof TimeoutError ? late : failed
    }
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { authorizeTimeout } = this.#settings
    if (authorizeTimeout === 0) return answer
    return new Promise((resolve, reject) => {
      const message = `createServer(options).authorize: no answer within ${authorizeTimeout} ms (authorizeTimeout)`
      const timer = setTimeout(() => reject(new TimeoutError('VELO_TIMEOUT', message)), authorizeTimeout)
      answer.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }

  #enter(client: string, comesBack: boolean): Release | Refusal {
    const release = this.#admission.enter(client, comesBack)
    return release === 'client' ? tooMany : release === 'server' ? full : release
  }
}

const retry = { 'retry-after': '1' }
const draining: Refusal = { status: 503, code: 'VELO_DRAINING', message: 'the server stops', headers: { connection: 'close', ...retry } }
const unauthorized: Refusal = { status: 401, code: 'UNAUTHORIZED', message: 'who asks?' }
const tooMany: Refusal = { status: 429, code: 'VELO_OVERLOADED', message: 'this client has too many streams open', headers: retry }
const full: Refusal = { status: 503, code: 'VELO_OVERLOADED', message: 'the server has too many streams open', headers: retry }
const failed: Refusal = { status: 500, code: 'AUTHORIZE_FAILED', message: 'it could not be found out who asks' }
const late: Refusal = { status: 503, code: 'AUTHORIZE_TIMEOUT', message: 'it could not be found out in time who asks', headers: retry }
const NO_FUNCTION: Refusal = { status: 404, code: 'NOT_FOUND', message: 'there is no function of this name' }
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
