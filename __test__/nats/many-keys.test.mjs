// As many keys as there are devices: an instance for each, over twelve partitions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natsSessions } from 'velo-stream/nats'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, host, keysOf, QUICK, resultsOf } from './keyed.mjs'
import { PATIENT, range } from './support.mjs'

const KEYS = 10_000
const EACH = 3
/** Sends that are on their way. */
const AT_ONCE = 500

describeNats('many keys', (server) => {
  test(`${KEYS} keys over 12 partitions, an instance for each: every event once and in order`, async (context) => {
    const client = await connection(server().url)
    const options = { stream: 'many', partitions: 12, lease: 10_000 }
    const workers = await Promise.all([host(server().url, options), host(server().url, options)])
    const sessions = natsSessions(client, { fn: chain, ...options })
    const keys = keysOf(KEYS)
    const since = performance.now()
    let next = 0
    const lane = async () => {
      for (let key = keys[next++]; key !== undefined; key = keys[next++]) await sessions.send(key, ...range(EACH).map((n) => ({ n })))
    }
    await within(2 * PATIENT, Promise.all(range(AT_ONCE).map(lane)), 'send')
    const byKey = await resultsOf(client, { stream: options.stream, count: KEYS * EACH })
    context.diagnostic(`${Math.round((KEYS * EACH) / ((performance.now() - since) / 1000))} events/s`)
    assertWhole(byKey, keys, EACH)
    for (const worker of workers) {
      assert.equal((await worker.metrics()).deadLetters, 0)
      await worker.stop()
    }
    await sessions.stop()
  })

  test('what the stream refuses of one that sends is none of the others', async () => {
    const client = await connection(server().url)
    const sessions = natsSessions(client, { fn: chain, ...QUICK, stream: 'refused' })
    const large = 'x'.repeat(2 << 20)
    const sent = await within(
      PATIENT,
      Promise.allSettled([
        sessions.send('a', { n: 0 }),
        sessions.send('b', { n: 0, large }),
        sessions.send('c', { n: 0 }, { n: 1 }),
        sessions.send('a', { n: 1 }),
      ]),
      'sends',
    )
    assert.deepEqual(
      sent.map(({ value, reason }) => value ?? reason.code),
      [[1], 'VELO_CODEC', [2, 3], [4]],
    )
    await sessions.stop()
  })
})
