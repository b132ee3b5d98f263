// What is asked, and of whom: a socket of a process, or a service. Answers are bounded in time and size.

import { Agent, type ClientRequest, request as plainRequest, type RequestOptions } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { Overview, StreamDetail, StreamList } from '../../telemetry/index.js'
import { ServerError, UsageError } from '../failure.js'

/** How long an answer may take, ms. */
const PATIENCE_MS = 5000
const LONGEST = 2 ** 26

/** Where a service answers, unless the URL says it. */
const BASE = '/admin'

export class TopClient {
  /** In words. */
  readonly source: string
  readonly #base: string
  readonly #options: RequestOptions
  readonly #agent: Agent
  readonly #start: (options: RequestOptions) => ClientRequest

  private constructor(source: string, base: string, options: RequestOptions, isSecure: boolean) {
    this.source = source
    this.#base = base
    this.#options = options
    const settings = { keepAlive: true, maxSockets: 2 }
    this.#agent = isSecure ? new SecureAgent(settings) : new Agent(settings)
    this.#start = isSecure ? secureRequest : plainRequest
  }

  static atSocket(path: string): TopClient {
    return new TopClient(path, '', { socketPath: path }, false)
  }

  /** Throws `UsageError` for what is no URL of a service. */
  static atUrl(text: string, token: string | undefined): TopClient {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new UsageError(`--url: expected http://host:port or https://host:port, got ${text}`)
    const { hostname, port, protocol, username, password, pathname } = url
    const isSecure = protocol === 'https:'
    const auth = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const options: RequestOptions = {
      // Node.js wants an address of IPv6 without its brackets.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isSecure ? 443 : 80) : port,
      ...(auth === undefined ? {} : { auth }),
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    }
    const base = pathname === '/' ? BASE : pathname.replace(/\/+$/, '')
    return new TopClient(`${url.origin}${base}`, base, options, isSecure)
  }

  async overview(): Promise<Overview> {
    const answer = await this.#ask<Overview>('GET', '/overview')
    if (typeof answer?.process?.pid === 'number' && typeof answer.totals?.streamsOpen === 'number') return answer
    throw this.#strange()
  }

  async list(options: Readonly<Record<string, string | number>>): Promise<StreamList> {
    const query = new URLSearchParams(Object.entries(options).map(([name, value]): [string, string] => [name, String(value)]))
    const answer = await this.#ask<StreamList>('GET', `/streams?${query}`)
    if (Array.isArray(answer?.streams) && typeof answer.total === 'number') return answer
    throw this.#strange()
  }

  /** `undefined` where the stream is over. */
  async detail(id: string): Promise<StreamDetail | undefined> {
    const answer = await this.#ask<StreamDetail>('GET', `/streams/${encoded(id)}`, [404])
    if (answer === undefined || (Array.isArray(answer.changes) && typeof answer.stream?.id === 'string')) return answer
    throw this.#strange()
  }

  /** False where it was over before. */
  async abort(id: string): Promise<boolean> {
    return (await this.#ask('POST', `/streams/${encoded(id)}/abort`, [404])) !== undefined
  }

  close(): void {
    this.#agent.destroy()
  }

  #strange(): Error {
    return new ServerError(`${this.source}: what answers there is not velo-stream, or another version of it`)
  }

  /** The body of an answer; `undefined` for one of these statuses. Rejects with what the other side says is wrong. */
  async #ask<Body>(method: string, path: string, absent: readonly number[] = []): Promise<Body | undefined> {
    const { status, body } = await this.#answer(method, path).catch((error: NodeJS.ErrnoException) => {
      throw new ServerError(`${this.source}: ${absence(error)}`, { cause: error })
    })
    if (status === 200) return parsed<Body>(body) ?? undefined
    const said = parsed<{ error?: { code?: unknown; message?: unknown } }>(body)?.error
    if (absent.includes(status) && said?.code === 'NO_STREAM') return undefined
    const hint = status === 401 ? '; --token-file says who asks' : status === 404 ? '; is it served with --admin?' : ''
    throw new ServerError(`${this.source}: ${status}${typeof said?.message === 'string' ? ` ${said.message}` : ''}${hint}`)
  }

  #answer(method: string, path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const options = {
        ...this.#options,
        agent: this.#agent,
        method,
        path: `${this.#base}${path}`,
        signal: AbortSignal.timeout(PATIENCE_MS),
      }
      const asked = this.#start(options)
      asked.on('response', (response) => {
        const parts: Buffer[] = []
        let length = 0
        response.on('data', (part: Buffer) => {
          parts.push(part)
          length += part.length
          if (length > LONGEST) asked.destroy(new Error(`its answer is longer than ${LONGEST} bytes`))
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
      })
      asked.on('error', (error) => reject(error.name === 'AbortError' ? new Error(`no answer within ${PATIENCE_MS / 1000} s`) : error))
      asked.end()
    })
  }
}

/** Why there is no answer: the code, and in brackets what it means. */
function absence({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return `${code} (nothing listens there)`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `${code} (there is no host of this name)`
  return code ?? message
}

function encoded(id: string): string {
  // Half of a pair of surrogates has no place in a URL.
  return encodeURIComponent(id.replace(/\p{Cs}/gu, '\ufffd'))
}

function parsed<Body>(text: string): Body | undefined {
  try {
    return JSON.parse(text) as Body
  } catch {
    return undefined
  }
}
