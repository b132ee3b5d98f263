// runtime.inspect(): every live stream, what it waits for, and since when; on both placements.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { working } from './functions/works.mjs'

async function* copy(events) {
  for await (const event of events) yield event
}

const see = (id) => runtime.inspect().find((stream) => stream.id === id)
/** The stream stands there as soon as what is under way has arrived. */
const stands = (id, waitingFor) => until(5000, () => see(id)?.waitingFor === waitingFor, `${id}: ${waitingFor}, not ${see(id)?.waitingFor}`)

describePlacements('inspect', (place) => {
  test('a stream that waits for an event, and for what it waits while its function works', async () => {
    const { fn, gate } = working(place, { name: `works ${place.placement}` })
    const id = `event ${place.placement}`
    const stream = fn.open({ id })
    assert.equal(see(id).waitingFor, 'event')
    await stream.send(1)
    await stands(id, 'user code')
    await until(5000, () => see(id).buffered.events === 0, 'the event was taken')
    const seen = see(id)
    assert.equal(seen.function, `works ${place.placement}`)
    assert.equal(seen.placement, place.placement)
    assert.equal(seen.thread === 0, !place.worker)
    assert.equal(seen.state, 'open')
    assert.deepEqual(seen.buffered, { events: 0, results: 0, bytes: 0 })
    assert.deepEqual([seen.eventsIn, seen.eventsOut], [1, 0])
    gate.open()
    assert.equal(await stream.recv(), 1)
    await stands(id, 'event')
    assert.equal(see(id).eventsOut, 1)
    await stream.close()
    assert.equal(see(id), undefined)
  })

  test('a full output waits for its reader', async () => {
    const fn = place(copy, { buffer: 2, name: 'full' })
    const id = `reader ${place.placement}`
    const stream = fn.open({ id })
    stream.sendBatch([1, 2, 3])
    // The first result of another thread may be there before the second one.
    const isFull = ({ waitingFor, buffered }) => waitingFor === 'reader' && buffered.results >= 2
    await until(5000, () => isFull(see(id)), 'a full output')
    await stream.close()
  })

  test('a send that waits for room while the function works', async () => {
    const { fn, gate } = working(place, { buffer: 1, name: 'slow' })
    const id = `room ${place.placement}`
    const stream = fn.open({ id })
    const sends = [1, 2, 3, 4, 5, 6, 7, 8].map((event) => stream.send(event))
    // Once it has stood there for a look it is the function that everybody waits for.
    const isFull = ({ waitingFor, buffered }) => ['room', 'user code'].includes(waitingFor) && buffered.events >= 1
    await until(5000, () => isFull(see(id)), 'room')
    gate.open()
    const abort = Promise.allSettled(sends)
    await stream.close()
    await abort
  })
})

test('a stream in line waits for admission, and what has ended is not there', async () => {
  const fn = streamFn(copy, { name: 'lined', maxConcurrent: 1, queue: 1 })
  const first = fn.open()
  const second = fn.open({ id: 'second' })
  assert.deepEqual([see('second').waitingFor, see('second').state], ['admission', 'waiting'])
  await first.close()
  await until(1000, () => see('second').waitingFor === 'event', 'admitted')
  await second.close()
  assert.deepEqual(runtime.inspect({ function: 'lined' }), [])
})

test('a call that nobody asks waits for its reader', async () => {
  const iterator = streamFn(copy, { name: 'called' })([1, 2])[Symbol.asyncIterator]()
  await iterator.next()
  assert.equal(runtime.inspect({ function: 'called' })[0].waitingFor, 'reader')
  await iterator.return()
})

test('secrets are not shown, nor what the user names', async () => {
  runtime.configure({ redact: ['X-Api-Key'] })
  const headers = { Authorization: 'Bearer a', cookie: 'b', 'x-api-key': ['c', 'd'], accept: 'e' }
  const stream = streamFn(copy, { name: 'secret' }).open({ headers })
  assert.deepEqual(runtime.inspect({ function: 'secret' })[0].headers, {
    Authorization: '[redacted]',
    cookie: '[redacted]',
    'x-api-key': '[redacted]',
    accept: 'e',
  })
  runtime.configure({ redact: [] })
  assert.deepEqual(runtime.inspect({ function: 'secret' })[0].headers['x-api-key'], ['c', 'd'])
  await stream.close()
})

test('a header that cannot be read costs nobody a look, and what is no text is shown as one', async () => {
  const fn = streamFn(copy, { name: 'odd headers' })
  const fails = () => {
    throw new Error('not now')
  }
  const throws = { plain: 'x', many: ['a', 'b'], count: 10n, none: undefined, odd: { toString: fails }, oddMany: [{ toString: fails }] }
  Object.defineProperty(throws, 'bad', { enumerable: true, get: fails })
  const streams = [
    fn.open({ id: 'odd', headers: throws }),
    fn.open({ id: 'closed to all', headers: new Proxy({}, { ownKeys: fails }) }),
    fn.open({ id: 'beside it', headers: { plain: 'y' } }),
  ]
  const unreadable = '[unreadable]'
  assert.deepEqual(see('odd').headers, {
    plain: 'x',
    many: ['a', 'b'],
    count: '10',
    none: undefined,
    odd: unreadable,
    oddMany: [unreadable],
    bad: unreadable,
  })
  assert.deepEqual(see('closed to all').headers, {})
  assert.deepEqual(see('beside it').headers, { plain: 'y' })
  JSON.stringify(runtime.inspect())
  await Promise.all(streams.map((stream) => stream.close()))
})

test('function and limit choose, the oldest first; a failure on its way out is told', async () => {
  const gate = deferred()
  const fn = streamFn(
    async function* ends(events) {
      try {
        for await (const event of events) yield event
      } finally {
        await gate.promise
      }
    },
    { name: 'limited' },
  )
  const streams = Array.from({ length: 5 }, (_, ordinal) => fn.open({ id: `limited ${ordinal}` }))
  for (const stream of streams) await stream.send(1)
  assert.deepEqual(
    runtime.inspect({ function: 'limited', limit: 2 }).map(({ function: name }) => name),
    ['limited', 'limited'],
  )
  streams[3].abort(new Error('enough'))
  const seen = runtime.inspect({ function: 'limited' }).find(({ id }) => id === 'limited 3')
  assert.deepEqual([seen.state, seen.lastError], ['closing', 'AbortError: stream limited 3 was aborted'])
  gate.resolve()
  await Promise.all(streams.map((stream) => stream.close()))
  assert.throws(() => runtime.inspect({ limit: 0 }), { code: 'VELO_CONFIG' })
  assert.throws(() => runtime.inspect({ fn: 'x' }), { code: 'VELO_CONFIG' })
})
