// Who may look at the server's process, and abort its streams: `/admin`, off unless it is asked for. What is answered there is the view of velo-stream/telemetry.
//
// No web page is a client of it. Where nobody says who may ask, it is this machine itself, asked by one of its own names and not by a proxy.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { reportFailure } from '../../kit/sight/failure-report.js'
import { isOfThisMachine } from '../../kit/this-machine.js'
import { listStreams, viewAnswer } from '../../telemetry/index.js'
import type { AdminOptions, Settings } from '../options.js'
import { isGone, type Refusal, send } from './reply.js'

/** Where it lies. */
const BASE = '/admin'

const refusal = (status: number, code: string, message: string): Refusal => ({ status, code, message })
const ELSEWHERE = refusal(
  403,
  'FORBIDDEN',
  'only this machine may ask, without a proxy; createServer({ admin: { authorize } }) says who else',
)
const PAGE = refusal(403, 'FORBIDDEN_ORIGIN', 'no web page may ask here')
const UNAUTHORIZED = refusal(401, 'UNAUTHORIZED', 'who asks?')
const FORBIDDEN = refusal(403, 'FORBIDDEN', 'not for you')
const FAILED = refusal(500, 'AUTHORIZE_FAILED', 'it could not be found out who asks')

/** Whether a path is one of the admin's. */
export const isAdmin = (path: string): boolean => path === BASE || path.startsWith(`${BASE}/`)

export class Admin {
  readonly #options: AdminOptions
  readonly #settings: Pick<Settings, 'hosts' | 'onError'>

  constructor(options: AdminOptions, settings: Pick<Settings, 'hosts' | 'onError'>) {
    this.#options = options
    this.#settings = settings
    // The last changes of streams are kept from now on.
    listStreams({ limit: 0 })
  }

  /** Answers, or gives a refusal. */
  async answer(req: IncomingMessage, res: ServerResponse, path: string): Promise<Refusal | undefined> {
    const refused = isOfPage(req) ? PAGE : await this.#refused(req)
    if (refused !== undefined || isGone(res)) return refused
    const { url = '', method = 'GET' } = req
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : ''
    const { status, body, headers } = viewAnswer({ method, url: path.slice(BASE.length) + query }, this.#options)
    send(req, res, status, 'application/json', `${JSON.stringify(body)}\n`, headers)
    return undefined
  }

  async #refused(req: IncomingMessage): Promise<Refusal | undefined> {
    const { authorize } = this.#options
    if (authorize === undefined) return isOfThisMachine(req, this.#settings.hosts) ? undefined : ELSEWHERE
    return notAllowed(authorize, req, this.#settings.onError)
  }
}

/** Why who asks may not, if so. Never rejects. */
export async function notAllowed(
  authorize: NonNullable<AdminOptions['authorize']>,
  req: IncomingMessage,
  onError: Settings['onError'],
): Promise<Refusal | undefined> {
  try {
    if ((await authorize(req)) === true) return undefined
  } catch (error) {
    reportFailure(onError, error, req)
    return FAILED
  }
  return req.headers.authorization === undefined ? UNAUTHORIZED : FORBIDDEN
}

/** A browser says so by one of these. One that a user opens by hand is no page. */
function isOfPage({ headers: { origin, 'sec-fetch-site': site } }: IncomingMessage): boolean {
  return origin !== undefined || (site !== undefined && site !== 'none')
}
