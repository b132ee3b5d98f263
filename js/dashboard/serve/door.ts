// Who may see the page, and who may abort a stream.
//
// Without `authorize` it is this machine alone: the address of the socket says so, and it may not look as if it came through a proxy, nor under a name that a page elsewhere lets lead here.

import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { hostOf, isOfThisMachine } from '../../kit/this-machine.js'

/** What is said to whom is not let in. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Whether who asks may look. */
export type Authorize = (req: IncomingMessage) => boolean | PromiseLike<boolean>

const refusal = (status: number, code: string, message: string): Refusal => ({ status, code, message })
const ELSEWHERE = refusal(403, 'FORBIDDEN', 'only this machine may look, without a proxy; dashboard({ authorize }) says who else')
const UNAUTHORIZED = refusal(401, 'UNAUTHORIZED', 'who asks?')
const FORBIDDEN = refusal(403, 'FORBIDDEN', 'not for you')
const OTHER_PAGE = refusal(403, 'FORBIDDEN_ORIGIN', 'only the page itself may ask')
const NO_TOKEN = refusal(403, 'TOKEN', 'the page is older than its process: load it anew')

export class Door {
  /** Whoever was given the page has it; a page of another origin cannot read it. */
  readonly token = randomBytes(24).toString('base64url')
  readonly #authorize: Authorize | undefined
  readonly #challenged: Refusal | undefined

  /** `challenge`: what a 401 asks for. */
  constructor(authorize: Authorize | undefined, challenge: string | undefined) {
    this.#authorize = authorize
    if (challenge !== undefined) this.#challenged = { ...UNAUTHORIZED, headers: { 'www-authenticate': challenge } }
  }

  /** Throws what `authorize` throws. */
  async refused(req: IncomingMessage): Promise<Refusal | undefined> {
    if (this.#authorize === undefined) return isOfThisMachine(req) ? undefined : ELSEWHERE
    if ((await this.#authorize(req)) === true) return undefined
    // With a challenge whoever gave the wrong answer is asked again.
    if (this.#challenged !== undefined) return this.#challenged
    return req.headers.authorization === undefined && req.headers.cookie === undefined ? UNAUTHORIZED : FORBIDDEN
  }

  /** Of what the page alone may ask: everything but the page itself. */
  refusedOrigin({ headers }: IncomingMessage): Refusal | undefined {
    const { origin, 'sec-fetch-site': site } = headers
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return OTHER_PAGE
    // Behind a proxy the host may be another one: then the browser has said by `sec-fetch-site` whose page it is.
    if (origin === undefined || site === 'same-origin') return undefined
    return URL.canParse(origin) && new URL(origin).host === hostOf(headers) ? undefined : OTHER_PAGE
  }

  /** Of what changes something. */
  refusedToken({ headers }: IncomingMessage): Refusal | undefined {
    const given = Buffer.from(String(headers['x-velo-token'] ?? ''))
    const own = Buffer.from(this.token)
    return given.length === own.length && timingSafeEqual(given, own) ? undefined : NO_TOKEN
  }
}
