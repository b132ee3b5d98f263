// Standard Schema on events: the function gets the schema's output; an event that fails rejects its own send and touches nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VeloError } from 'velo-stream'
import * as z from 'zod'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

const order = z.object({ id: z.number(), items: z.array(z.object({ price: z.coerce.number() })) })
const good = { id: 1, items: [{ price: '2.5' }] }
const bad = { id: 1, items: [{ price: 'much' }] }

/** By hand: doubles numbers, refuses the rest; `later` answers with a promise. */
const doubling = (later) => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const result = typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'no number', path: [{ key: 'amount' }] }] }
      return later ? new Promise((resolve) => setImmediate(resolve, result)) : result
    },
  },
})

function failsAt(path) {
  return (error) => {
    assert.ok(error instanceof VeloError)
    assert.equal(error.code, 'VELO_EVENT')
    assert.ok(error.issues.length > 0)
    assert.ok(error.message.startsWith(`event.${path}: `), error.message)
    return true
  }
}

describePlacements('with zod', (place) => {
  test('zod: the function gets the output, a wrong event rejects its send alone', async () => {
    const stream = place(same, { schema: order }).open()
    await stream.send(good)
    await assert.rejects(stream.send(bad), failsAt('items.0.price'))
    await stream.send(good)
    assert.deepEqual(await stream.recv(), { id: 1, items: [{ price: 2.5 }] })
    assert.deepEqual(await stream.recv(), { id: 1, items: [{ price: 2.5 }] })
    assert.equal(stream.metrics.eventsIn, 2)
    assert.throws(() => stream.trySend(bad), failsAt('items.0.price'))
    assert.equal(stream.trySend(good), true)
    await stream.close()
  })
})

describePlacements('by hand', (place) => {
  for (const later of [false, true]) {
    const kind = later ? 'asynchronous' : 'synchronous'
    test(`${kind}: order is kept, batches are all or nothing`, async () => {
      const fn = place(same, { schema: doubling(later) })
      const stream = fn.open()
      const sends = [1, 'x', 2, 3].map((event) =>
        stream.send(event).then(
          () => 'accepted',
          (error) => error.code,
        ),
      )
      assert.deepEqual(await within(1000, Promise.all(sends), 'the sends'), ['accepted', 'VELO_EVENT', 'accepted', 'accepted'])
      await assert.rejects(stream.sendBatch([4, 'y', 5]), failsAt('amount'))
      await within(1000, stream.sendBatch([6, 7]), 'the batch')
      stream.end()
      const results = []
      for await (const result of stream) results.push(result)
      assert.deepEqual(results, [2, 4, 6, 12, 14])
      assert.equal(stream.metrics.eventsIn, 5)
    })

    test(`${kind}: pulled sources are checked, and the function may catch`, async () => {
      const fn = place(same, { schema: doubling(later) })
      async function* source() {
        yield 1
        yield 'x'
      }
      assert.deepEqual(await fn.run([1, 2]), [2, 4])
      await assert.rejects(within(1000, fn.run([1, 'x']), 'run(array)'), failsAt('amount'))
      await assert.rejects(within(1000, fn.run(source()), 'run(source)'), failsAt('amount'))
      const caught = place(
        async function* (events) {
          try {
            for await (const event of events) yield event
          } catch (error) {
            yield error.code
          }
        },
        { schema: doubling(later) },
      )
      assert.deepEqual(await caught.run(source()), [2, 'VELO_EVENT'])
      const called = []
      for await (const result of caught(source())) called.push(result)
      assert.deepEqual(called, [2, 'VELO_EVENT'])
    })

    test(`${kind}: a stage of a pipeline has its own schema`, async () => {
      const piped = place(same)
        .pipe(place(same, { schema: doubling(later) }))
        .pipe(place(same, { schema: doubling(later) }))
      assert.deepEqual(await piped.run([1, 2, 3]), [4, 8, 12])
      await assert.rejects(piped.run([1, 'x']), failsAt('amount'))
    })
  }

  test('trySend with an asynchronous schema says what to do instead', async () => {
    const stream = place(same, { schema: doubling(true) }).open()
    assert.throws(() => stream.trySend(1), { code: 'VELO_CONFIG', message: /use send\(\)/ })
    await stream.close()
  })
})

noUnhandledRejections('schema')
