// Clients that go on while what serves them is killed, and when it is: by seeded moments among the results of one of them.

import assert from 'node:assert/strict'
import { connect, subscribe } from 'velo-stream/client'
import { WebSocket } from 'ws'
import { within } from '../../support/within.mjs'
import { ndjson } from '../service.mjs'
import { expected } from './bodies.mjs'

const backoff = { minMs: 5, maxMs: 40, attempts: 2000 }
/** Events that are on their way at once. */
const AHEAD = 30

/** `at(count)` does `act` as often as its moments say, as soon as so many of `total` results have come; `done()` settles when all of that was done. */
export function moments(dice, count, total, act) {
  const left = Array.from({ length: count }, () => 1 + dice.below(total - 1)).sort((a, b) => a - b)
  let under = Promise.resolve()
  return {
    at(results) {
      for (; left.length > 0 && results >= left[0]; left.shift()) under = under.then(act)
    },
    done: () => under,
  }
}

/** Sends all events to a function over a WebSocket, and gets just what is expected; `at` is told how many results have come. */
export async function throughWebSocket(url, name, events, at = () => {}) {
  const client = connect(`${url}/fn/${name}`, { WebSocket, resume: true, endMessage: 'end', backoff })
  const results = []
  let sent = 0
  const send = () => {
    while (sent < events.length && sent < results.length + AHEAD) client.send(events[sent++]).catch(() => {})
    if (sent === events.length) client.end().catch(() => {})
  }
  send()
  for await (const result of client) {
    results.push(result)
    at(results.length)
    send()
  }
  assert.deepEqual(results, expected[name](events))
  assert.deepEqual(await client.closed, { reason: 'done' })
}

/** Asks `many` for server-sent events. Resolves with the first result: a request is made once, so nobody may be killed before. `rest(at)` reads on, and gets just what is expected. */
export async function subscribed(url, events) {
  const headers = { 'content-type': 'application/x-ndjson' }
  const results = subscribe(`${url}/fn/many`, { body: ndjson(events), headers, backoff })[Symbol.asyncIterator]()
  const { value } = await within(30_000, results.next(), 'the first result')
  const seen = [value]
  return {
    async rest(at = () => {}) {
      for (let next = await results.next(); next.done !== true; next = await results.next()) {
        seen.push(next.value)
        await at(seen.length)
      }
      assert.deepEqual(seen, expected.many(events))
    },
  }
}
