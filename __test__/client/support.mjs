// What the tests of the client share: its results gathered, sockets that are cut by a plan, and a class of sockets that a test plays itself.

import { WebSocket } from 'ws'
import { within } from '../support/within.mjs'

/** Quick attempts, so that a test need not wait. */
export const backoff = { minMs: 5, maxMs: 20 }

/** Options of `connect` on a Node.js without a WebSocket of its own. */
export const options = { WebSocket, backoff }

/** All results of a client. */
export async function all(client, ms = 30_000) {
  const results = []
  await within(
    ms,
    (async () => {
      for await (const result of client) results.push(result)
    })(),
    'the results',
  )
  return results
}

/** A class of sockets whose instances a test plays: `made` has them, `made.at(-1).say(...)` is the server. */
export function playedSockets() {
  const made = []
  class Played {
    readyState = 0
    bufferedAmount = 0
    binaryType = 'blob'
    sent = []
    closes = []
    #listeners = new Map()
    constructor(url, protocols) {
      this.url = url
      this.protocols = protocols
      made.push(this)
    }
    addEventListener(type, listener) {
      this.#listeners.set(type, listener)
    }
    removeEventListener(type) {
      this.#listeners.delete(type)
    }
    send(data) {
      this.sent.push(data)
    }
    close(...said) {
      this.closes.push(said)
    }
    open() {
      this.readyState = 1
      this.#listeners.get('open')?.({})
    }
    say(data) {
      this.tell(typeof data === 'string' ? data : JSON.stringify(data))
    }
    tell(data) {
      this.#listeners.get('message')?.({ data })
    }
    cut(code = 1006, reason = '') {
      this.#listeners.get('close')?.({ code, reason })
    }
    get listeners() {
      return [...this.#listeners.keys()]
    }
  }
  return { Played, made }
}
