// What runs as plain data: totals, the list, one stream with its changes, its abort; JSON says all of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { abortStream, listStreams, overview, streamDetail } from 'velo-stream/telemetry'
import { deferred, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { working } from './functions/works.mjs'

async function* copy(events) {
  for await (const event of events) yield event
}

const asJson = (value) => JSON.parse(JSON.stringify(value))
const ids = (options) => listStreams(options).streams.map(({ id }) => id)

describePlacements('the view', (place) => {
  test('totals of the process and of its functions are those that were sent, and JSON says them', async () => {
    const name = `counted ${place.placement}`
    const fn = place(copy, { name })
    const before = overview()
    const streams = [fn.open(), fn.open()]
    for (const stream of streams) await stream.sendBatch([1, 2, 3])
    for (const stream of streams) await stream.recv()
    const now = overview()
    const of = now.functions.find((one) => one.name === name)
    assert.deepEqual([of.placement, of.streamsOpen, of.eventsIn], [place.placement, 2, 6])
    assert.equal(now.totals.eventsIn - before.totals.eventsIn, 6)
    assert.equal(now.totals.streamsOpen, 2)
    assert.equal(now.process.pid, process.pid)
    assert.deepEqual(asJson(now), now)
    for (const stream of streams) await stream.close()
  })

  test('a stream has changes, and is aborted by its id', async () => {
    const { fn, gate } = working(place, { name: 'works' })
    const id = `changing ${place.placement}`
    const stream = fn.open({ id })
    assert.equal(streamDetail(id).stream.waitingFor, 'event')
    await stream.send(1)
    await until(5000, () => streamDetail(id).stream.waitingFor === 'user code', 'it works')
    gate.open()
    await stream.recv()
    await until(5000, () => streamDetail(id).changes.at(-1).waitingFor === 'event', 'it waits again')
    const { stream: seen, changes } = streamDetail(id)
    assert.deepEqual([seen.id, seen.eventsIn, seen.eventsOut], [id, 1, 1])
    const waits = changes.map((change) => change.waitingFor)
    assert.deepEqual([waits[0], waits.at(-1)], ['event', 'event'])
    assert.ok(waits.includes('user code'), waits.join())
    assert.ok(changes.every(({ at }, index) => index === 0 || at >= changes[index - 1].at))
    assert.deepEqual([changes[0].eventsIn, changes.at(-1).eventsIn], [0, 1])
    assert.equal(abortStream(id), true)
    const { reason, error } = await stream.closed
    assert.deepEqual([reason, error.cause.message], ['aborted', 'it was aborted by whoever looks after the process'])
    assert.equal(abortStream(id), false)
    assert.equal(streamDetail(id), undefined)
  })
})

test('no more than 100 changes are kept of a stream', async () => {
  let gate = deferred()
  const fn = streamFn(async function* flips(events) {
    for await (const event of events) {
      await gate.promise
      yield event
    }
  })
  const stream = fn.open({ id: 'flips' })
  streamDetail('flips')
  for (let turn = 0; turn < 60; turn++) {
    gate = deferred()
    await stream.send(turn)
    await until(5000, () => streamDetail('flips').stream.waitingFor === 'user code', 'it works')
    gate.resolve()
    await stream.recv()
    await until(5000, () => streamDetail('flips').stream.waitingFor === 'event', 'it waits')
  }
  const { changes } = streamDetail('flips')
  assert.equal(changes.length, 100)
  assert.deepEqual([changes.at(-1).waitingFor, changes.at(-1).eventsOut], ['event', 60])
  await stream.close()
})

test('the detail of one stream looks at no other one', async () => {
  let looks = 0
  const headers = {
    get seen() {
      return `${++looks} times`
    },
  }
  const fn = streamFn(copy, { name: 'beside' })
  const streams = [fn.open({ id: 'beside-1', headers }), fn.open({ id: 'beside-2' })]
  assert.equal(streamDetail('beside-2').stream.id, 'beside-2')
  assert.equal(looks, 0)
  assert.equal(streamDetail('beside-1').stream.headers.seen, '1 times')
  for (const stream of streams) await stream.close()
})

test('two looks tell how long what came between them took, and what is asked for pages is left out', async () => {
  const before = overview().latencies
  const run = (name) => streamFn(copy, { name }).run(Array.from({ length: 6400 }, (_, n) => n))
  await run('looked at')
  await run('velo:for-a-page')
  const { latencies, functions } = overview()
  const { samples } = functions.find(({ name }) => name === 'looked at').latency
  assert.ok(samples >= 50, `${samples} samples`)
  assert.equal(latencies.samples - before.samples, samples)
  assert.equal(latencies.atMost.length, latencies.bounds.length)
  const grown = latencies.atMost.map((count, at) => count - before.atMost[at])
  assert.ok(grown.every((count, at) => at === 0 || count >= grown[at - 1]))
  assert.equal(grown.at(-1), samples)
  assert.ok(latencies.bounds.every((bound, at) => at === 0 || bound > latencies.bounds[at - 1]))
})

test('the numbers of clusters are told, as plain data', () => {
  assert.deepEqual(overview().clusters, [])
  const shown = globalThis[Symbol.for('velo-stream.clusters')] ?? new Set()
  globalThis[Symbol.for('velo-stream.clusters')] = shown
  const one = { prefix: 'a', hosted: 1, open: 2, takeovers: 3, commits: 4, lag: 5, deadLetters: 6, unreplicated: 7 }
  const other = { ...one, prefix: 'b' }
  for (const numbers of [one, one, other]) shown.add(() => ({ ...numbers }))
  assert.deepEqual(asJson(overview().clusters), [
    { prefix: 'a', hosted: 2, open: 4, takeovers: 6, commits: 8, lag: 10, deadLetters: 12, unreplicated: 14 },
    other,
  ])
  shown.clear()
})

test('a list is filtered, sorted, and cut', async () => {
  const [alpha, beta] = ['list alpha', 'list beta'].map((name) => streamFn(copy, { name, buffer: 8 }))
  const streams = [
    alpha.open({ id: 'list-2' }),
    alpha.open({ id: 'list-10', headers: { authorization: 'mine' } }),
    beta.open({ id: 'list-3' }),
  ]
  await streams[1].sendBatch([1, 2, 3])
  await streams[2].sendBatch([1])
  const search = 'list'
  assert.deepEqual(ids({ search, sort: 'id' }), ['list-10', 'list-2', 'list-3'])
  assert.deepEqual(ids({ search, sort: 'id', order: 'desc' }), ['list-3', 'list-2', 'list-10'])
  assert.deepEqual(ids({ search, sort: 'eventsIn' }), ['list-10', 'list-3', 'list-2'])
  assert.deepEqual(ids({ search, sort: 'eventsIn', order: 'asc', limit: 1, offset: 1 }), ['list-3'])
  assert.deepEqual(ids({ function: 'list beta' }), ['list-3'])
  assert.deepEqual(ids({ search: 'ALPHA', sort: 'id' }), ['list-10', 'list-2'])
  assert.deepEqual(ids({ search, waitingFor: 'admission' }), [])
  const { total, matching, streams: shown } = listStreams({ search: 'list-', limit: 1, sort: 'eventsIn' })
  assert.deepEqual([total, matching, shown.length], [3, 3, 1])
  assert.deepEqual(shown[0].headers, { authorization: '[redacted]' })
  for (const stream of streams) await stream.close()
})

test('wrong options are named', () => {
  const refused = (options, field) =>
    assert.throws(() => listStreams(options), { code: 'VELO_CONFIG', field: `listStreams(options).${field}` })
  refused({ sort: 'size' }, 'sort')
  refused({ order: 'down' }, 'order')
  refused({ limit: -1 }, 'limit')
  refused({ offset: 0.5 }, 'offset')
  refused({ search: 7 }, 'search')
  refused({ search: 'x'.repeat(201) }, 'search')
  refused({ waitingFor: 'godot' }, 'waitingFor')
  refused({ function: '' }, 'function')
  refused({ sorted: 'id' }, 'sorted')
})
