// Fronts of a cluster, each a process of its own. Killed with -9 or replaced while their clients are at work: each client comes back to another one, loses nothing and gets nothing twice. `VELO_KILLS` says how often.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, subscribe } from 'velo-stream/client'
import { WebSocket } from 'ws'
import { random } from '../support/random.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { fronts } from './fronts/fronts.mjs'
import { expected } from './fronts/functions.mjs'
import { ndjson, webSocket } from './service.mjs'

const KILLS = Number(process.env.VELO_KILLS ?? 2)
const SEED = Number(process.env.VELO_SEED ?? 7)
const backoff = { minMs: 5, maxMs: 40, attempts: 2000 }

/** Two fronts, and a plan: `at(count)` ends one of them and starts another as soon as so many results have come; `done()` settles when all of that was done. */
async function plan(url, prefix, total) {
  const dice = random(SEED)
  const all = await fronts(url, prefix)
  await Promise.all([all.add(), all.add()])
  const moments = Array.from({ length: KILLS }, () => 1 + dice.below(total - 1)).sort((a, b) => a - b)
  let under = Promise.resolve()
  let ends = 0
  const replace = async () => {
    const one = dice.below(2)
    // Every other one is no crash but a deploy.
    if (ends++ % 2 === 1) assert.equal(await all.stop(one), 0)
    else await all.kill(one)
    await all.add()
  }
  return {
    url: all.url,
    at(count) {
      for (; moments.length > 0 && count >= moments[0]; moments.shift()) under = under.then(replace)
    },
    done: () => under,
    end: () => Promise.all([all.stop(0), all.stop(0)]),
  }
}

describeServers('fronts', ({ server }) => {
  test('a client goes on at another one, by what it has; nobody else gets its stream, and the one before is told', async () => {
    const all = await fronts(server().url, 'moves')
    await Promise.all([all.add(), all.add()])
    const [first, second] = all.there.map(({ port }) => `http://127.0.0.1:${port}/fn/count`)
    const as = (user) => ({ headers: { 'x-user': user } })
    const socket = webSocket(first, as('ana'))
    const [{ velo }] = await socket.count(1)
    assert.match(velo.token, /^client\./)
    socket.send(4)
    socket.send(5)
    const totals = (messages) => messages.map(([, , total]) => total)
    assert.deepEqual(totals((await socket.count(3)).slice(1)), [4, 9])
    const resume = (url, last) => `${url}?resume=${velo.token}&last=${last}`
    assert.equal((await webSocket(resume(second, 1), as('eve')).closed()).code, 4410)
    const again = webSocket(resume(second, 1), as('ana'))
    const [hello, ...rest] = await again.count(2)
    assert.deepEqual([hello, totals(rest)], [{ velo: { token: velo.token, received: 2 } }, [9]])
    assert.deepEqual(await socket.closed(), { code: 4409, reason: 'replaced' })
    again.send(1)
    assert.deepEqual(totals((await again.count(3)).slice(2)), [10])
    assert.equal(await all.stop(1), 0)
    assert.deepEqual(await again.closed(), { code: 1012, reason: 'restart' })
    const back = webSocket(resume(first, 3), as('ana'))
    assert.deepEqual(await back.count(1), [{ velo: { token: velo.token, received: 3 } }])
    back.send(2)
    assert.deepEqual(totals((await back.count(2)).slice(1)), [12])
    assert.equal(await all.stop(0), 0)
  })

  test('clients over WebSockets', { timeout: 180_000 }, async () => {
    const dice = random(SEED)
    const events = Array.from({ length: 200 }, () => 1 + dice.below(20))
    const { url, at, done, end } = await plan(server().url, 'ws', expected.tell(events).length)
    const run = async (name, isFirst) => {
      const wanted = expected[name](events)
      const client = connect(`${url}/fn/${name}`, { WebSocket, resume: true, endMessage: 'end', backoff })
      const results = []
      let sent = 0
      const send = () => {
        while (sent < events.length && sent < results.length + 30) client.send(events[sent++]).catch(() => {})
        if (sent === events.length) client.end().catch(() => {})
      }
      send()
      for await (const result of client) {
        results.push(result)
        if (isFirst) at(results.length)
        send()
      }
      assert.deepEqual(results, wanted)
      assert.deepEqual(await client.closed, { reason: 'done' })
    }
    await within(150_000, Promise.all([run('tell', true), run('tell', false), run('count', false)]), 'three clients')
    await done()
    assert.deepEqual(await end(), [0, 0])
  })

  test('clients of server-sent events', { timeout: 180_000 }, async () => {
    const events = [700, 600, 500]
    const wanted = expected.many(events)
    const { url, at, done, end } = await plan(server().url, 'sse', wanted.length)
    const headers = { 'content-type': 'application/x-ndjson' }
    const subscribed = async () => {
      const results = subscribe(`${url}/fn/many`, { body: ndjson(events), headers, backoff })[Symbol.asyncIterator]()
      const { value } = await within(30_000, results.next(), 'the first result')
      return { results, seen: [value] }
    }
    const readOut = async ({ results, seen }, isFirst) => {
      for (let next = await results.next(); next.done !== true; next = await results.next()) {
        seen.push(next.value)
        if (!isFirst) continue
        at(seen.length)
        await done()
      }
      assert.deepEqual(seen, wanted)
    }
    // A request is made once, and both have been answered before the first kill.
    const [one, two] = [await subscribed(), await subscribed()]
    await within(150_000, Promise.all([readOut(one, true), readOut(two, false)]), 'two clients')
    assert.deepEqual(await end(), [0, 0])
  })
})

noUnhandledRejections('fronts')
