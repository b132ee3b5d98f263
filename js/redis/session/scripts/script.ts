// js/redis/session/scripts: what the server does in one step. Knows nothing of streams in this process.
//
// A script of the server: sent once, called by its digest, sent again where the server has forgotten it. All scripts may be repeated: what they write is absolute, so an answer that
// was lost is asked for again until the server has been away for too long.

import { createHash } from 'node:crypto'
import type { Argument, Connection } from '../clients/connection.js'

export interface Script {
  readonly lua: string
  readonly sha: string
}

export function scriptOf(lua: string): Script {
  // One line feed a statement: what is sent is small.
  const text = lua.replace(/^\s+/gm, '')
  return { lua: text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Nobody knows whether it was done, or it was not done and may be later. */
const UNSURE =
  /LOADING|BUSY |READONLY|\bOOM\b|MISCONF|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED |ASK |UNBLOCKED|redirections|slots cache|startup nodes|root nodes|closed|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|abort|MaxRetries|offline|disconnect/i

/** ms between two tries. */
const PAUSES = { first: 5, most: 250 }
/** ms between two new connections. */
const RENEWED_EVERY = 1000

export class Scripts {
  readonly #connection: Connection
  /** ms after which a server that does not answer is given up. */
  readonly #timeout: number
  readonly #onReadOnly: () => void
  #isClosed = false
  #renewedAt = -Infinity

  /** `onReadOnly`: the server has become a replica, so all that is connected to it must connect again. Default: this connection does. */
  constructor(connection: Connection, timeout: number, onReadOnly: () => void = () => connection.renew()) {
    this.#connection = connection
    this.#timeout = timeout
    this.#onReadOnly = onReadOnly
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.asked(() => this.once(script, keys, args))
  }

  call(...args: Argument[]): Promise<unknown> {
    return this.asked(() => this.#connection.call(...args))
  }

  /** Tried once: the answer may be lost. */
  async once(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#connection.call('EVALSHA', script.sha, keys.length, ...keys, ...args)
    } catch (error) {
      if (!/NOSCRIPT/.test((error as Error).message)) throw error
      return await this.#connection.call('EVAL', script.lua, keys.length, ...keys, ...args)
    }
  }

  /** Nothing is asked for again. */
  close(): void {
    this.#isClosed = true
    this.#connection.close()
  }

  /** The same connection will never take a write again. */
  #readOnly(): void {
    const now = performance.now()
    if (this.#isClosed || now - this.#renewedAt < RENEWED_EVERY) return
    this.#renewedAt = now
    this.#onReadOnly()
  }

  /** Until there is an answer. A client may hold a command back for as long as the server is away. */
  asked(ask: () => Promise<unknown>): Promise<unknown> {
    // Every command passes here: one promise and one timer, however often it is asked.
    return new Promise((resolve, reject) => {
      const late = performance.now() + this.#timeout
      let isLate = false
      let refused: string | undefined
      const timer = setTimeout(() => {
        isLate = true
        reject(new Error(refused === undefined ? 'the server does not answer' : `the server refuses: ${refused}`))
      }, this.#timeout)
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        how()
      }
      const tried = (pause: number): void => {
        ask().then(
          (answer) => settle(() => resolve(answer)),
          (error) => {
            const { name, message, constructor: kind } = error as Error
            // One of a client says nothing but its class: it waited for too long to be sent, which a busy process causes too.
            const isUnsure = name === 'AbortError' || kind.name === 'TimeoutError' || UNSURE.test(message)
            if (/^-?[A-Z]{3,}\b/.test(message)) refused = message
            if (/READONLY/.test(message)) this.#readOnly()
            if (!isUnsure || this.#isClosed || performance.now() + pause > late) settle(() => reject(error))
            else if (!isLate) setTimeout(() => isLate || tried(Math.min(2 * pause, PAUSES.most)), pause)
          },
        )
      }
      tried(PAUSES.first)
    })
  }
}
