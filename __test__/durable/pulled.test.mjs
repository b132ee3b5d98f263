// Durable streams behind add-ons that pull: they are given results as the add-on encodes them, bytes are counted of the events that it sends, and delivered is what it says has arrived.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { toResponse } from 'velo-stream/http'
import { ByteBudget } from '../../target/js/kit/bytes/byte-budget.js'
import { reportBytesTo } from '../../target/js/kit/bytes/byte-sum.js'
import { pulled } from '../../target/js/kit/iteration/pulled.js'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const MODULE = new URL('./support/functions.mjs', import.meta.url)
// These parts stand alone: their bytes are in no sum of the process.
reportBytesTo({ buffer: () => 0, bound: () => 1 << 30 })

const shelves = () => {
  const shelf = newShelf()
  return { shelf, next: () => durable(new MemoryJournal({ shelf })) }
}
const budgetOf = (confirms = false) => Object.assign(new ByteBudget(1 << 20, (result) => `<${JSON.stringify(result)}>`), { confirms })

for (const placement of ['local', 'worker']) {
  const make = (name, options) =>
    placement === 'local'
      ? streamFn(functions[name], { name, ...options })
      : streamFn(MODULE, { name, placement, export: name, ...options })

  test(`a request is answered (${placement})`, async () => {
    const sum = make('sum', { durable: shelves().next() })
    const init = { method: 'POST', body: '1\n2\n3\n', headers: { 'content-type': 'application/x-ndjson' } }
    const response = await within(5000, toResponse(sum, new Request('http://127.0.0.1/', init)), 'the response')
    assert.equal(await within(5000, response.text(), 'the answer'), '1\n3\n6\n')
  })

  test(`results are given as they are encoded, also those of an earlier life (${placement})`, async () => {
    const { next } = shelves()
    const first = make('sum', { durable: next() }).open(pulled({ id: 'a' }, budgetOf(true)))
    await first.sendBatch([1, 2, 3])
    assert.deepEqual(await within(5000, first.recvBatch(1), 'a result'), ['<1>'])
    await first.close()
    const budget = budgetOf(true)
    const second = make('sum', { durable: next() }).open(pulled({ id: 'a' }, budget))
    assert.deepEqual(await within(5000, second.resumed, 'the journal'), { events: 3, results: 0, by: 'replay' })
    await second.send(4)
    const results = []
    while (results.length < 4) results.push(...(await within(5000, second.recvBatch(8), 'results')))
    assert.deepEqual(results, ['<1>', '<3>', '<6>', '<10>'])
    await second.close()
  })
}

test('with state, results before it come encoded', async () => {
  const { next } = shelves()
  const counting = () =>
    streamFn(
      async function* counting(events, ctx) {
        for await (const event of events) yield (ctx.state.total += event)
      },
      { durable: next(), state: { initial: { total: 0 }, version: 1, every: 1 } },
    )
  const first = counting().open(pulled({ id: 'a' }, budgetOf(true)))
  await first.sendBatch([1, 2, 3])
  const read = []
  while (read.length < 3) read.push(...(await within(5000, first.recvBatch(8), 'results')))
  await first.close()
  const second = counting().open(pulled({ id: 'a' }, budgetOf(true)))
  assert.equal((await second.resumed).by, 'state')
  await second.send(4)
  const results = []
  while (results.length < 4) results.push(...(await within(5000, second.recvBatch(8), 'results')))
  assert.deepEqual(results, ['<1>', '<3>', '<6>', '<10>'])
  await second.close()
})

test('what is delivered is what has arrived, and the stream is over when all of it has', async () => {
  const { shelf, next } = shelves()
  const budget = budgetOf(true)
  const sum = sumOf(next())
  const stream = sum.open(pulled({ id: 'a' }, budget))
  await stream.sendBatch([1, 2, 3])
  stream.end()
  const read = []
  for (let batch = await stream.recvBatch(2); batch.length > 0; batch = await stream.recvBatch(2)) read.push(...batch)
  assert.deepEqual(read, ['<1>', '<3>', '<6>'])
  assert.equal((await stream.closed).reason, 'done')
  const [left] = await sum.unfinished()
  assert.deepEqual([left.id, left.results], ['a', 0], 'nobody has said that a result has arrived')
  budget.confirm(2)
  await until(5000, () => [...shelf.streams.values()][0].delivered === 2, 'the commit')
  const again = sumOf(next()).open(pulled({ id: 'a' }, budgetOf(true)))
  assert.equal((await again.resumed).results, 2)
  await again.close()
})

test('a stream of which everything has arrived is removed', async () => {
  const { shelf, next } = shelves()
  const budget = budgetOf(true)
  const stream = sumOf(next()).open(pulled({ id: 'a' }, budget))
  await stream.send(1)
  stream.end()
  assert.deepEqual(await stream.recvBatch(2), ['<1>'])
  assert.deepEqual(await stream.recvBatch(2), [])
  await stream.closed
  assert.equal(shelf.streams.size, 1)
  budget.confirm(Number.POSITIVE_INFINITY)
  await until(5000, () => shelf.streams.size === 0, 'the end')
})

test('bytes wait for the events that are sent, however many are played again before them', async () => {
  const { next } = shelves()
  const gate = deferred()
  const gated = () =>
    streamFn(
      async function* gated(events) {
        for await (const event of events) {
          if (event === 'wait') await gate.promise
          yield event
        }
      },
      { durable: next() },
    )
  const first = gated().open({ id: 'a' })
  await first.sendBatch(['a', 'b', 'wait'])
  await first.close()
  const budget = new ByteBudget(100, (result) => JSON.stringify(result))
  const second = gated().open(pulled({ id: 'a' }, budget))
  await second.resumed
  budget.sent(1, 60)
  await second.send('next')
  assert.equal(budget.isFull, true, 'it waits for the function, whatever was delivered before')
  gate.resolve()
  await within(5000, budget.room(), 'room')
  budget.release()
  await second.close()
})

function sumOf(kept) {
  return streamFn(functions.sum, { name: 'sum', durable: kept })
}

noUnhandledRejections('durable streams behind add-ons')
