// `createServer({ durable })`: which functions are kept, how they are served then, and what becomes of streams to which nobody comes back.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { connect, subscribe } from 'velo-stream/client'
import { durable, journal } from 'velo-stream/durable'
import { createServer } from 'velo-stream/server'
import { folder } from '../cli/command.mjs'
import { options as clientOptions } from '../client/support.mjs'
import { MemoryJournal, newShelf } from '../durable/support/memory-journal.mjs'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { ndjson, post, serving, values, webSocket } from './service.mjs'

async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
}
const MODULE = 'export default async function* half(events) { for await (const event of events) yield event / 2 }\n'
const names = (shelf) => [...shelf.streams.values()].map(({ key }) => key.function).sort()

/** Sends one event and gets its result over a WebSocket. */
async function open(url, name, event = 1) {
  const client = connect(`${url}/fn/${encodeURIComponent(name)}`, { ...clientOptions, resume: true })
  const results = client[Symbol.asyncIterator]()
  await client.send(event)
  const { value } = await within(10_000, results.next(), `a result of ${name}`)
  return { client, results, value }
}

describe('createServer({ durable })', () => {
  test('keeps the streams of every function, on each placement, in pipelines, joined and in envelopes', async () => {
    const { path } = folder()
    mkdirSync(join(path, 'functions'))
    writeFileSync(join(path, 'functions/half.mjs'), MODULE)
    const half = new URL(`file://${join(path, 'functions/half.mjs')}`)
    const shelf = newShelf()
    const own = newShelf()
    const functions = {
      sum,
      half,
      far: { fn: half, placement: 'worker' },
      made: streamFn(sum, { name: 'made' }),
      own: streamFn(sum, { name: 'own', durable: durable(new MemoryJournal({ shelf: own })) }),
      said: { fn: sum, durable: durable(new MemoryJournal({ shelf: own })) },
    }
    const { server, url } = await serving({ functions, pipelines: true, durable: durable(new MemoryJournal({ shelf })) })
    const clients = []
    for (const name of ['sum', 'half', 'far', 'made', 'own', 'said', 'sum|half']) clients.push((await open(url, name)).client)
    assert.deepEqual(names(shelf), ['far', 'half', 'made', 'sum', '|'])
    assert.deepEqual(names(own), ['own', 'said'])
    for (const client of clients) await client.close()
    await until(5_000, () => shelf.streams.size + own.streams.size === 0, 'they are removed with their clients')
    await server.close()

    const sealed = newShelf()
    const options = { functions: { sum, own: functions.own }, envelope: true, durable: durable(new MemoryJournal({ shelf: sealed })) }
    const second = await serving(options)
    const { client } = await open(second.url, 'sum', { payload: 1 })
    const other = await open(second.url, 'own', { payload: 1 })
    assert.deepEqual([names(sealed), names(own)], [['sum'], ['envelope|own']])
    await client.close()
    await other.client.close()
    await second.server.close()
  })

  test('answers requests that have no way back as before', async () => {
    const shelf = newShelf()
    const { url } = await serving({ functions: { sum }, durable: durable(new MemoryJournal({ shelf })) })
    const { text } = await post(`${url}/fn/sum`, ndjson([1, 2, 3]))
    assert.deepEqual(values(text), [1, 3, 6])
    await until(5_000, () => shelf.streams.size === 0, 'it is over')
  })

  test('lets clients come back unless it is told otherwise', async () => {
    const shelf = newShelf()
    const kept = { durable: durable(new MemoryJournal({ shelf })) }
    const functions = {
      sum,
      raw: { fn: sum, http: { out: 'ndjson' } },
      abort: { fn: sum, http: { onDisconnect: 'abort' }, websocket: { onDisconnect: 'abort' } },
    }
    const { url } = await serving({ functions, ...kept })
    const accept = { accept: 'text/event-stream', 'content-type': 'application/x-ndjson' }
    const text = async (name) => (await fetch(`${url}/fn/${name}`, { method: 'POST', body: '1\n', headers: accept })).text()
    assert.match(await text('sum'), /^id: client\.[\w-]{24}:0\n\nid: client\.[\w-]{24}:1\ndata: 1\n\n$/)
    assert.equal(await text('raw'), '1\n')
    assert.equal(await text('abort'), 'data: 1\n\n')
    const socket = webSocket(`${url}/fn/sum`)
    assert.match((await socket.count(1))[0].velo.token, /^client\./)
    const plain = webSocket(`${url}/fn/abort`)
    await plain.opened()
    plain.send(3)
    assert.deepEqual(await plain.count(1), [3])
  })

  test('its streams are there for the next server, and belong to who opened them', async () => {
    const shelf = newShelf()
    const authorize = ({ headers }) => headers['x-user']
    const make = () => ({ functions: { sum }, authorize, durable: durable(new MemoryJournal({ shelf })) })
    const first = await serving(make())
    const as = (user) => ({ headers: { 'x-user': user } })
    const socket = webSocket(`${first.url}/fn/sum`, as('ana'))
    const [{ velo }] = await socket.count(1)
    socket.send(4)
    assert.deepEqual((await socket.count(2))[1], 4)
    await within(5_000, first.server.close(), 'the first server')
    assert.deepEqual(await socket.closed(), { code: 1012, reason: 'restart' })
    const second = await serving(make())
    const resume = `${second.url}/fn/sum?resume=${velo.token}&last=1`
    assert.equal((await webSocket(resume, as('eve')).closed()).code, 4410)
    const again = webSocket(resume, as('ana'))
    assert.deepEqual(await again.count(1), [{ velo: { token: velo.token, received: 1 } }])
    again.send(5)
    assert.deepEqual((await again.count(2))[1], 9)
  })

  test('removes what nobody comes back to, and nothing that is not of a client', async () => {
    const shelf = newShelf()
    const make = () => durable(new MemoryJournal({ shelf }))
    const functions = () => ({ sum: { fn: sum, http: { onDisconnect: { graceMs: 1 } }, websocket: { onDisconnect: { graceMs: 400 } } } })
    const job = streamFn(sum, { name: 'sum', durable: make() }).open({ id: 'job-1' })
    await job.send(1)
    await job.close()
    const first = await serving({ functions: functions(), durable: make() })
    const back = webSocket(`${first.url}/fn/sum`)
    const gone = webSocket(`${first.url}/fn/sum`)
    const [[{ velo }]] = [await back.count(1), await gone.count(1)]
    await within(5_000, first.server.close(), 'the first server')
    assert.equal(shelf.streams.size, 3)
    const second = await serving({ functions: functions(), durable: make() })
    const again = webSocket(`${second.url}/fn/sum?resume=${velo.token}&last=0`)
    await again.count(1)
    await until(10_000, () => shelf.streams.size === 2, 'the abandoned one is removed')
    const ids = [...shelf.streams.values()].map(({ key }) => key.id)
    assert.deepEqual(ids.sort(), [velo.token, 'job-1'].sort())
    again.send(1)
    assert.equal((await again.count(2))[1], 1)
  })

  test('a subscription goes on at the next server', async () => {
    const shelf = newShelf()
    const make = () => ({ functions: { sum }, durable: durable(new MemoryJournal({ shelf })) })
    const first = await serving(make())
    let { url } = first
    const redirected = (asked, init) => fetch(asked.replace(first.url, url), init)
    const subscription = subscribe(`${url}/fn/sum`, { body: ndjson([1, 2, 3]), backoff: clientOptions.backoff, fetch: redirected })
    const results = subscription[Symbol.asyncIterator]()
    assert.equal((await within(5_000, results.next(), 'a result')).value, 1)
    const second = await serving(make())
    url = second.url
    await within(10_000, first.server.close(), 'the first server')
    for (const value of [3, 6]) assert.equal((await within(5_000, results.next(), 'a result')).value, value)
    assert.equal((await within(5_000, results.next(), 'the end')).done, true)
  })

  test('listens only where the journal can be read', async () => {
    const { path } = folder()
    const closed = journal(path)
    await closed.close()
    const server = createServer({ functions: { sum }, durable: closed })
    await assert.rejects(server.listen(), { code: 'VELO_CHECKPOINT' })
    await server.close()
  })

  test('takes nothing but a journal', () => {
    for (const given of ['./data', {}, 1, null])
      assert.throws(() => createServer({ functions: { sum }, durable: given }), {
        code: 'VELO_CONFIG',
        field: 'createServer(options).durable',
      })
  })
})

test('a WebSocket server of ws ends its upgrades with the server', async () => {
  const { server, url } = await serving({ functions: { sum }, durable: durable(new MemoryJournal()) })
  const socket = webSocket(`${url}/fn/sum`)
  await socket.count(1)
  const closing = once(socket.socket, 'close')
  await within(5_000, server.close({ grace: 0 }), 'the end')
  await within(5_000, closing, 'the close')
})

noUnhandledRejections('durable')
