// Fronts of a cluster, each a process of its own. Killed with -9 or replaced while their clients are at work: each client comes back to another one, loses nothing and gets nothing twice. `VELO_KILLS` says how often.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { random } from '../support/random.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { fronts } from './fronts/fronts.mjs'
import { expected } from './killed/bodies.mjs'
import { moments, subscribed, throughWebSocket } from './killed/clients.mjs'
import { webSocket } from './service.mjs'

const KILLS = Number(process.env.VELO_KILLS ?? 2)
const SEED = Number(process.env.VELO_SEED ?? 7)

/** Two fronts, and a plan: `at(count)` ends one of them and starts another as soon as so many results have come; `done()` settles when all of that was done. */
async function plan(url, prefix, total) {
  const dice = random(SEED)
  const all = await fronts(url, prefix)
  await Promise.all([all.add(), all.add()])
  let ends = 0
  const replace = async () => {
    const one = dice.below(2)
    // Every other one is no crash but a deploy.
    if (ends++ % 2 === 1) assert.equal(await all.stop(one), 0)
    else await all.kill(one)
    await all.add()
  }
  const { at, done } = moments(dice, KILLS, total, replace)
  return { url: all.url, at, done, end: () => Promise.all([all.stop(0), all.stop(0)]) }
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
    const clients = [
      throughWebSocket(url, 'tell', events, at),
      throughWebSocket(url, 'tell', events),
      throughWebSocket(url, 'count', events),
    ]
    await within(150_000, Promise.all(clients), 'three clients')
    await done()
    assert.deepEqual(await end(), [0, 0])
  })

  test('clients of server-sent events', { timeout: 180_000 }, async () => {
    const events = [700, 600, 500]
    const { url, at, done, end } = await plan(server().url, 'sse', expected.many(events).length)
    const [one, two] = [await subscribed(url, events), await subscribed(url, events)]
    const told = (count) => {
      at(count)
      return done()
    }
    await within(150_000, Promise.all([one.rest(told), two.rest()]), 'two clients')
    assert.deepEqual(await end(), [0, 0])
  })
})

noUnhandledRejections('fronts')
