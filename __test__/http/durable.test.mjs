// Durable streams over server-sent events: a client goes on in another process with Last-Event-ID. Two functions over one shelf are two processes, one after the other.

import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { subscribe } from 'velo-stream/client'
import { durable } from 'velo-stream/durable'
import { handler } from 'velo-stream/http'
import { backoff } from '../client/support.mjs'
import { MemoryJournal, newShelf } from '../durable/support/memory-journal.mjs'
import { numbers } from '../support/counted.mjs'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { running } from './support/servers.mjs'

const ndjson = { 'content-type': 'application/x-ndjson' }

/** Yields the numbers below each event. */
async function* counted(events) {
  for await (const event of events) for (let n = 0; n < event; n++) yield n
}

function processes(fn = counted) {
  const shelf = newShelf()
  const next = (journal = new MemoryJournal({ shelf })) => streamFn(fn, { name: 'counted', durable: durable(journal) })
  const kept = () => [...shelf.streams.values()][0]
  return { shelf, next, kept }
}

/** A server of which each process is a handler; `die()` takes the one that is there away. */
async function serving(options = {}) {
  let serve = (_, res) => res.writeHead(503).end()
  const server = http.createServer((req, res) => serve(req, res))
  const made = await running(server.listen(0, '127.0.0.1'))
  let draining
  const live = (fn) => {
    draining = new AbortController()
    serve = handler(fn, { resume: true, retry: 1, ...options, draining: draining.signal })
  }
  const leave = () => {
    serve = (_, res) => res.writeHead(503).end()
    draining.abort()
  }
  const cut = () => {
    for (const socket of made.sockets) socket.resetAndDestroy()
  }
  return { url: made.url, live, leave, cut, close: made.close }
}

async function take(results, count) {
  const values = []
  while (values.length < count) values.push((await within(5_000, results.next(), 'a result')).value)
  return values
}

test('a subscription goes on over many processes, and misses and doubles nothing', async () => {
  const gates = Array.from({ length: 7 }, deferred)
  const { next, kept } = processes(async function* gated(events) {
    let made = 0
    for await (const event of events) {
      for (let n = 0; n < event; n++) {
        if (made % 90 === 0) await gates[made / 90].promise
        made++
        yield n
      }
    }
  })
  const server = await serving()
  server.live(next())
  const body = '200\n200\n200\n'
  gates[0].resolve()
  let opens = 0
  const onState = (state) => {
    if (state === 'open') opens++
  }
  const subscription = subscribe(`${server.url}/`, { body, headers: ndjson, backoff, onState })
  const seen = []
  const reading = (async () => {
    for await (const result of subscription) {
      seen.push(result)
      if (seen.length % 90 !== 0) continue
      server.leave()
      server.live(next())
      gates[seen.length / 90].resolve()
    }
  })()
  await within(20_000, reading, 'the results')
  assert.deepEqual(seen, [...numbers(200), ...numbers(200), ...numbers(200)])
  assert.deepEqual(await subscription.closed, { reason: 'done' })
  assert.match(subscription.id, /^client\.[\w-]{24}$/)
  assert.ok(opens > 3, `${opens} responses`)
  assert.notEqual(kept(), undefined, 'its client may have missed the end')
  await server.close()
})

test('what was delivered is what nobody can ask for any more; the journal lets a stream go when its end is', async () => {
  const { next, kept } = processes()
  const server = await serving({ resume: { buffer: 16 }, onDisconnect: { graceMs: 50 } })
  server.live(next())
  const results = subscribe(`${server.url}/`, { body: '100\n', headers: ndjson })[Symbol.asyncIterator]()
  assert.deepEqual(await take(results, 100), numbers(100))
  assert.equal((await results.next()).done, true)
  await until(5_000, () => kept() === undefined || kept().delivered >= 100 - 16, 'delivered')
  await until(5_000, () => kept() === undefined, 'the journal lets it go')
  await server.close()
})

test('the journal has what a client has not got, also at the end', async () => {
  const { next, kept } = processes()
  const server = await serving({ end: 'end' })
  server.live(next())
  const first = subscribe(`${server.url}/`, { body: '10\n', headers: ndjson, end: 'end', backoff })
  const results = first[Symbol.asyncIterator]()
  assert.deepEqual(await take(results, 4), numbers(4))
  const { lastEventId } = first
  await until(5_000, () => kept().records.length === 2, 'the end of the input is kept')
  await first.close()
  server.leave()
  server.live(next())
  const second = subscribe(`${server.url}/`, { lastEventId, end: 'end', backoff })
  const rest = second[Symbol.asyncIterator]()
  assert.deepEqual(await take(rest, 6), [4, 5, 6, 7, 8, 9])
  assert.equal((await rest.next()).done, true)
  const third = await fetch(`${server.url}/`, { headers: { accept: 'text/event-stream', 'last-event-id': second.lastEventId } })
  assert.equal(third.status, 204)
  await server.close()
})

test('an input that was cut off with its process ends where it was', async () => {
  const { next } = processes(async function* totals(events) {
    let total = 0
    for await (const event of events) yield (total += event)
    yield `all: ${total}`
  })
  const server = await serving()
  server.live(next())
  const { hostname, port } = new URL(server.url)
  const req = http.request({ hostname, port, method: 'POST', headers: { ...ndjson, accept: 'text/event-stream' } }).on('error', () => {})
  const head = deferred()
  const got = deferred()
  req.on('response', (res) => {
    head.resolve(res.headers['velo-stream'])
    let text = ''
    res.on('error', () => {})
    res.on('data', (more) => {
      text += more
      if (text.includes('data: 3\n')) got.resolve()
    })
  })
  req.write('1\n2\n')
  const id = await within(5_000, head.promise, 'the head')
  await within(5_000, got.promise, 'a result')
  server.leave()
  server.live(next())
  const rest = subscribe(`${server.url}/`, { lastEventId: `${id}:2`, text: 'raw' })[Symbol.asyncIterator]()
  assert.deepEqual(await take(rest, 1), ['all: 3'])
  assert.equal((await rest.next()).done, true)
  req.destroy()
  await server.close()
})

test('a source of events is asked for those that are not kept', async () => {
  const { next, kept } = processes(async function* echo(events) {
    for await (const event of events) yield event
  })
  const asked = []
  const gates = [deferred(), deferred()]
  const events = async function* (_req, from) {
    asked.push(from)
    for (let n = from; n < 6; n++) {
      if (n === 3) await gates[asked.length - 1].promise
      yield n
    }
  }
  const server = await serving({ events })
  server.live(next())
  const subscription = subscribe(`${server.url}/`, { backoff })
  const results = subscription[Symbol.asyncIterator]()
  assert.deepEqual(await take(results, 3), [0, 1, 2])
  await until(5_000, () => kept().records.length === 3, 'three events are kept')
  server.leave()
  server.live(next())
  gates[1].resolve()
  assert.deepEqual(await take(results, 3), [3, 4, 5])
  assert.equal((await results.next()).done, true)
  assert.deepEqual(asked, [0, 3])
  gates[0].resolve()
  await server.close()
})

test('nobody else, and nothing that is not kept, is gone on with', async () => {
  const { shelf, next } = processes()
  const server = await serving({ owner: (req) => req.headers['x-user'] })
  server.live(next())
  const ana = { 'x-user': 'ana' }
  const first = subscribe(`${server.url}/`, { body: '5\n', headers: { ...ndjson, ...ana } })
  const results = first[Symbol.asyncIterator]()
  assert.deepEqual(await take(results, 2), [0, 1])
  const { lastEventId, id } = first
  assert.match(id, /^client\.[\w-]{24}\.[\w-]{24}$/)
  await first.close()
  server.leave()
  server.live(next())
  const ask = async (last, headers) => {
    const response = await fetch(`${server.url}/`, { headers: { accept: 'text/event-stream', 'last-event-id': last, ...headers } })
    await response.body?.cancel()
    return response.status
  }
  assert.equal(await ask(lastEventId, {}), 410)
  assert.equal(await ask(lastEventId, { 'x-user': 'eve' }), 410)
  assert.equal(await ask(`client.${'a'.repeat(24)}:0`, {}), 410)
  await until(5_000, () => shelf.streams.size === 1, 'what was asked for in vain is gone')
  const [one, two] = await Promise.all([ask(lastEventId, ana), ask(lastEventId, ana)])
  assert.deepEqual([one, two], [200, 200], 'two connections of one client meet in one stream')
  await server.close()
})

noUnhandledRejections('durable')
