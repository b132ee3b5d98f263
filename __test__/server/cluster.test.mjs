// `createServer({ cluster })`: any front takes any client, and what a server promises holds for sessions too. What is killed: fronts.test.mjs.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { cluster } from 'velo-stream/redis'
import { createServer } from 'velo-stream/server'
import { MemoryJournal, newShelf } from '../durable/support/memory-journal.mjs'
import { eventually } from '../redis/support.mjs'
import { until } from '../support/deferred.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { ndjson, post, serving, twice, values, webSocket } from './service.mjs'

const LIMIT = 30_000
const sum = streamFn(
  async function* (events) {
    let total = 0
    for await (const event of events) yield (total += event)
  },
  { name: 'sum' },
)
const asks = streamFn(
  async function* (_events, { headers, id }) {
    yield { id, principal: headers['velo-principal'] ?? null, agent: headers['x-agent'] ?? null, cookie: headers.cookie ?? null }
  },
  { name: 'asks' },
)
const throws = streamFn(
  async function* (events) {
    for await (const event of events) {
      if (event < 0) throw new TypeError('no good')
      yield event
    }
  },
  { name: 'throws' },
)
const functions = { sum, asks, throws }

let made = 0
describeServers('createServer({ cluster })', ({ server }) => {
  let client
  const open = []
  before(() => {
    client = new Redis(server().url, { maxRetriesPerRequest: null })
    client.on('error', () => {})
  })
  after(async () => {
    for (const one of open) await one.stop()
    client.disconnect()
  })

  /** So many processes of one cluster, each with a front: this one plays all of them. The first one hosts the sessions. */
  async function fronts(count, options = {}, shared = {}) {
    const prefix = `s${made++}`
    const all = Array.from({ length: count }, () => cluster({ client, functions, prefix, ...shared }))
    open.push(...all)
    await all[0].work()
    const servers = await Promise.all(all.map((own) => serving({ cluster: own, ...options })))
    return servers.map((one, i) => ({ ...one, own: all[i], prefix }))
  }
  const sse = (url, headers = {}, body) =>
    fetch(url, { method: 'POST', body, headers: { accept: 'text/event-stream', 'content-type': 'application/x-ndjson', ...headers } })

  test('an event source goes on at another front', async () => {
    const [first, second] = await fronts(2)
    const text = await (await sse(`${first.url}/fn/sum`, {}, ndjson([1, 2, 3]))).text()
    const [, id] = /^id: (client\.[\w-]{24}):0\n/.exec(text)
    assert.deepEqual(
      [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data),
      ['1', '3', '6'],
    )
    await within(LIMIT, first.server.close(), 'the first front')
    const rest = await sse(`${second.url}/fn/sum`, { 'last-event-id': `${id}:2` })
    assert.equal(await within(LIMIT, rest.text(), 'the rest'), `id: ${id}:2\n\nid: ${id}:3\ndata: 6\n\n`)
    assert.equal((await sse(`${second.url}/fn/sum`, { 'last-event-id': `client.${'x'.repeat(24)}:1` })).status, 410)
  })

  test('requests that have no way back are answered as before, and what a function throws is told', async () => {
    const [{ url }] = await fronts(1)
    const { status, text } = await post(`${url}/fn/sum`, ndjson([1, 2, 3]))
    assert.deepEqual([status, values(text)], [200, [1, 3, 6]])
    const failed = await post(`${url}/fn/throws`, ndjson([1, -1]))
    assert.match(failed.text, /^1\n\{"error":/)
    const socket = webSocket(`${url}/fn/throws`)
    await socket.count(1)
    socket.send(-1)
    assert.deepEqual(await socket.closed(), { code: 1011, reason: 'failed' })
  })

  test('the function is told who asks, and no secrets', async () => {
    const [{ url }] = await fronts(1, { authorize: () => 'ana' })
    const { text } = await post(`${url}/fn/asks`, '', { 'x-agent': 'tests', cookie: 'a=b', authorization: 'x' })
    const [{ id, ...told }] = values(text)
    assert.deepEqual(told, { principal: 'ana', agent: 'tests', cookie: null })
    assert.match(id, /^client\.[\w-]{24}\.[\w-]{24}$/)
  })

  test('limits of the server and of a function, /healthz, /readyz and metrics are as without it', async () => {
    const [{ url }] = await fronts(1, { functions: { sum: { fn: sum, maxConcurrent: 1 }, asks, twice }, maxPerClient: 3 })
    const socket = webSocket(`${url}/fn/sum`)
    await socket.count(1)
    const refused = await post(`${url}/fn/sum`, '')
    assert.deepEqual([refused.status, JSON.parse(refused.text).error.code], [503, 'VELO_OVERLOADED'])
    assert.equal((await post(`${url}/fn/asks`, '')).status, 200)
    // What the cluster does not have runs here.
    assert.deepEqual(values((await post(`${url}/fn/twice`, ndjson([4]))).text), [8])
    assert.equal((await post(`${url}/fn/throws`, '')).status, 404)
    assert.deepEqual([(await fetch(`${url}/healthz`)).status, (await fetch(`${url}/readyz`)).status], [200, 200])
    const metrics = await (await fetch(`${url}/metrics`)).text()
    assert.match(metrics, /^velo_streams_open\{function="sum \(front\)",placement="local"\} 1$/m)
    const more = [webSocket(`${url}/fn/twice`), webSocket(`${url}/fn/twice`)]
    for (const one of more) assert.equal(await one.opened(), 'open')
    assert.equal(await webSocket(`${url}/fn/twice`).opened(), 429)
    socket.socket.close(1000)
    await socket.closed()
    await eventually(async () => (await post(`${url}/fn/sum`, ndjson([1]))).status === 200, 'there is room again')
  })

  test('maxDuration and idleTimeout end a session for its client', async () => {
    const timed = { sum: { fn: sum, maxDuration: 300 }, throws: { fn: throws, idleTimeout: 300 } }
    const [{ url, own }] = await fronts(1, { functions: timed })
    const long = webSocket(`${url}/fn/sum`)
    await long.count(1)
    long.send(1)
    assert.deepEqual((await long.count(2))[1], 1)
    assert.deepEqual(await long.closed(), { code: 1008, reason: 'limit: the stream took too long' })
    const idle = webSocket(`${url}/fn/throws`)
    await idle.count(1)
    idle.send(1)
    assert.deepEqual((await idle.count(2))[1], 1)
    assert.deepEqual(await idle.closed(), { code: 4408, reason: 'idle' })
    await until(LIMIT, () => own.hosted === 0, 'no session is left')
  })

  test('a client that does not come back ends its session everywhere', async () => {
    const [host, { url }] = await fronts(2, { websocket: { onDisconnect: { graceMs: 50 } } })
    const socket = webSocket(`${url}/fn/sum`)
    await socket.count(1)
    socket.send(1)
    await socket.count(2)
    assert.equal(host.own.hosted, 1)
    socket.socket.terminate()
    await until(LIMIT, () => host.own.hosted === 0, 'it is over')
  })

  test('a client that is there keeps its session for longer than ttl', async () => {
    const [{ url, prefix }] = await fronts(1, {}, { ttl: 1000 })
    const socket = webSocket(`${url}/fn/sum`)
    const [{ velo }] = await socket.count(1)
    socket.send(1)
    await socket.count(2)
    const key = `${prefix}:{sum/${velo.token}}m`
    const seconds = async () => Number((await client.time())[0])
    const since = await seconds()
    await eventually(async () => (await seconds()) - since > 2, 'more time than ttl has passed')
    assert.equal(await client.exists(key), 1)
    socket.send(1)
    assert.equal((await socket.count(3))[2], 2)
  })

  test('more results than may wait for a client hold the function up', async () => {
    const many = streamFn(
      async function* (events) {
        for await (const count of events) for (let i = 0; i < count; i++) yield i
      },
      { name: 'many' },
    )
    const [{ url }] = await fronts(1, {}, { functions: { many }, backlog: 100 })
    const text = await (await sse(`${url}/fn/many`, {}, '2000\n')).text()
    assert.equal([...text.matchAll(/^data: /gm)].length, 2000)
    const socket = webSocket(`${url}/fn/many`)
    await socket.count(1)
    socket.send(2000)
    assert.equal((await socket.count(2001)).at(-1), 1999)
  })

  test('options are checked', async () => {
    const own = cluster({ client, functions: { sum }, prefix: `s${made++}`, backlog: 100 })
    open.push(own)
    const kept = durable(new MemoryJournal({ shelf: newShelf() }))
    const cases = [
      [{ cluster: {} }, 'createServer(options).cluster'],
      [{ cluster: own, durable: kept }, 'createServer(options).durable'],
      [{ cluster: own, pipelines: true }, 'createServer(options).pipelines'],
      [{ cluster: own, envelope: true }, 'createServer(options).envelope'],
    ]
    for (const [options, field] of cases) assert.throws(() => createServer(options), { code: 'VELO_CONFIG', field }, field)
    const late = [
      [{ sum: twice }, 'functions.sum'],
      [{ sum: { fn: sum, durable: kept } }, 'functions.sum.durable'],
      [{ sum: { fn: sum, http: { resume: { buffer: 51 } } } }, 'functions.sum.http.resume.buffer'],
      [{ sum: { fn: sum, websocket: { resumeBuffer: 51 } } }, 'functions.sum.websocket.resumeBuffer'],
    ]
    for (const [given, field] of late) {
      const server = createServer({ cluster: own, functions: given })
      await assert.rejects(server.listen(), { code: 'VELO_CONFIG', field: `createServer(options).${field}` }, field)
      await server.close()
    }
  })
})

noUnhandledRejections('servers of a cluster')
