// Rule 1: events reach the function in the order of `send`, results reach the caller in the order of `yield`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { deferred, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

/** Values that a careless channel takes for an end, an error or nothing. */
const odd = [undefined, 0, '', false, Number.NaN, new Error('as data'), [], {}, Symbol('s'), 10n, () => {}, { done: true, value: 1 }]

describePaths('order on every path', (path, test) => {
  test('rule 1: a thousand events come out in the order they went in', async () => {
    const { results, failure } = await path.drive(path.define(same), numbers(1000))
    assert.equal(failure, null)
    assert.deepEqual(results, numbers(1000))
  })

  test('rule 1: state built from the order of the events is right', async () => {
    const fn = path.define(async function* (events) {
      let last = -1
      let hash = 7
      for await (const event of events) {
        assert.equal(event, last + 1)
        last = event
        hash = (hash * 31 + event) % 1_000_003
        yield hash
      }
    })
    let hash = 7
    const expected = numbers(300).map((event) => (hash = (hash * 31 + event) % 1_000_003))
    const { results, failure } = await path.drive(fn, numbers(300))
    assert.equal(failure, null)
    assert.deepEqual(results, expected)
  })

  test('rule 1: many results of one event keep the order of yield', async () => {
    const fn = path.define(async function* (events) {
      for await (const event of events) for (let i = 0; i < 30; i++) yield [event, i]
    })
    const { results } = await path.drive(fn, numbers(40))
    assert.deepEqual(
      results,
      numbers(1200).map((n) => [Math.floor(n / 30), n % 30]),
    )
  })

  test('rule 1: a function that waits now and then keeps the order', async () => {
    const fn = path.define(async function* (events) {
      for await (const event of events) {
        if (event % 3 === 0) await null
        if (event % 50 === 0) await new Promise(setImmediate)
        if (event % 2 === 0) yield event
      }
    })
    const { results } = await path.drive(fn, numbers(400))
    assert.deepEqual(
      results,
      numbers(400).filter((n) => n % 2 === 0),
    )
  })

  test('rule 1: results are the very values that were yielded, whatever they are', async () => {
    const fn = path.define(async function* (events) {
      for await (const index of events) yield odd[index]
    })
    const { results, failure } = await path.drive(fn, numbers(odd.length))
    assert.equal(failure, null)
    assert.equal(results.length, odd.length)
    for (const [index, result] of results.entries()) assert.ok(Object.is(result, odd[index]), `result ${index}`)
  })

  if (!path.noEmpty) {
    test('rule 1: events are the very values that were sent, whatever they are', async () => {
      const seen = []
      const fn = path.define(async function* (events) {
        for await (const event of events) {
          seen.push(event)
          yield seen.length
        }
      })
      const { results, failure } = await path.drive(fn, odd)
      assert.equal(failure, null)
      assert.equal(results.length, odd.length)
      for (const [index, event] of seen.entries()) assert.ok(Object.is(event, odd[index]), `event ${index}`)
    })
  }

  test('rule 1: next() called again before it is answered is answered in order', async () => {
    const fn = path.define(async function* (events) {
      for (;;) {
        const three = await Promise.all([events.next(), events.next(), events.next()])
        yield three.map(({ value, done }) => (done ? 'end' : value))
        if (three.some(({ done }) => done)) return
      }
    })
    const { results, failure } = await path.drive(fn, numbers(8))
    assert.equal(failure, null)
    assert.deepEqual(results, [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 'end'],
    ])
  })
})

async function readAll(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

test('rule 1: sends that nobody awaits arrive in the order of the calls', async () => {
  const stream = streamFn(same, { buffer: 100 }).open()
  const sends = numbers(100).map((n) => stream.send(n))
  await within(2000, Promise.all(sends), 'the sends')
  stream.end()
  assert.deepEqual(await within(2000, readAll(stream), 'the results'), numbers(100))
})

test('rule 1: sends that wait in line are accepted in the order of the calls', async () => {
  const stream = streamFn(same, { buffer: 2 }).open()
  const accepted = []
  const sends = numbers(15).map((n) => stream.send(n).then(() => accepted.push(n)))
  const results = []
  for (let i = 0; i < 15; i++) results.push(await within(2000, stream.recv(), `result ${i}`))
  await within(2000, Promise.all(sends), 'the sends')
  assert.deepEqual(results, numbers(15))
  assert.deepEqual(accepted, numbers(15))
  await stream.close()
})

test('rule 1: two senders that each await interleave as they called', async () => {
  const calls = []
  const stream = streamFn(same, { buffer: 3 }).open()
  const sender = async (name) => {
    for (let i = 0; i < 50; i++) {
      calls.push(`${name}${i}`)
      await stream.send(`${name}${i}`)
    }
  }
  const both = Promise.all([sender('a'), sender('b')]).then(() => stream.end())
  const results = await within(3000, readAll(stream), 'the results')
  await within(1000, both, 'the senders')
  assert.deepEqual(results, calls)
})

test('rule 1: send, trySend and sendBatch mixed keep the order of the calls', async () => {
  const stream = streamFn(same, { buffer: 8 }).open()
  const expected = []
  const waits = []
  let next = 0
  const reading = readAll(stream)
  for (let round = 0; round < 60; round++) {
    if (round % 3 === 0) {
      expected.push(next)
      waits.push(stream.send(next++))
    } else if (round % 3 === 1) {
      const batch = [next++, next++, next++]
      expected.push(...batch)
      waits.push(stream.sendBatch(batch))
    } else if (stream.trySend(next)) {
      expected.push(next++)
    }
    if (round % 5 === 4) await within(1000, Promise.all(waits.splice(0)), `round ${round}`)
  }
  await within(1000, Promise.all(waits), 'the sends')
  stream.end()
  assert.deepEqual(await within(2000, reading, 'the results'), expected)
})

test('rule 1: a hundred reads that wait are served first come first served', async () => {
  const stream = streamFn(same).open()
  const order = []
  const reads = numbers(100).map((n) =>
    stream.recv().then((value) => {
      order.push(n)
      return value
    }),
  )
  await within(2000, stream.sendBatch(numbers(100)), 'the batch')
  assert.deepEqual(await within(2000, Promise.all(reads), 'the reads'), numbers(100))
  assert.deepEqual(order, numbers(100))
  await stream.close()
})

test('rule 1: recv and recvBatch in turn read in order', async () => {
  const stream = streamFn(same, { buffer: 16 }).open()
  const sending = stream.sendBatch(numbers(200)).then(() => stream.end())
  const results = []
  for (let i = 0; results.length < 200; i++) {
    if (i % 2 === 0) results.push(await within(1000, stream.recv(), 'recv'))
    else results.push(...(await within(1000, stream.recvBatch(7), 'recvBatch')))
  }
  await within(1000, sending, 'the batch')
  assert.deepEqual(results, numbers(200))
  assert.deepEqual(await within(1000, stream.recvBatch(1), 'the end'), [])
})

test('rule 1: reads of both kinds that wait together are served in the order of the calls', async () => {
  const stream = streamFn(same).open()
  const reads = [stream.recv(), stream.recvBatch(2), stream.recv(), stream.recvBatch(100)]
  await within(1000, stream.sendBatch(numbers(10)), 'the batch')
  stream.end()
  const got = await within(1000, Promise.all(reads), 'the reads')
  const flat = got.flat()
  assert.deepEqual(flat, numbers(flat.length))
  assert.ok(flat.length >= 4, 'every read got something')
  assert.ok(got[1].length <= 2)
  const rest = await within(1000, stream.recvBatch(100), 'the rest')
  assert.deepEqual([...flat, ...rest], numbers(10))
})

test('rule 1: what the function sends to its own stream comes after what was sent before', async () => {
  const stream = streamFn(async function* (events) {
    for await (const event of events) {
      if (event === 'again') await stream.send('from inside')
      yield event
    }
  }).open()
  await within(1000, stream.sendBatch(['a', 'again', 'b']), 'the batch')
  const results = []
  for (let i = 0; i < 4; i++) results.push(await within(1000, stream.recv(), `result ${i}`))
  assert.deepEqual(results, ['a', 'again', 'b', 'from inside'])
  await stream.close()
})

test('rule 1: an asynchronous schema that settles out of order does not change the order', async () => {
  const checks = numbers(6).map(() => deferred())
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (n) => checks[n].promise } }
  const stream = streamFn(same, { schema }).open()
  const order = []
  const sends = numbers(6).map((n) => stream.send(n).then(() => order.push(n)))
  for (const n of [5, 3, 1, 0, 4, 2]) {
    checks[n].resolve({ value: n })
    await turns(2)
  }
  await within(1000, Promise.all(sends), 'the sends')
  stream.end()
  assert.deepEqual(await within(1000, readAll(stream), 'the results'), numbers(6))
  assert.deepEqual(order, numbers(6))
})

test('rule 1: a send whose schema is quick does not overtake a batch whose schema is slow', async () => {
  const slow = deferred()
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: (event) => (event === 'slow' ? slow.promise : { value: event }) },
  }
  const stream = streamFn(same, { schema }).open()
  const sends = [stream.sendBatch(['first', 'slow']), stream.send('quick'), stream.sendBatch(['last'])]
  await turns()
  assert.equal(stream.trySend('pushy'), false)
  slow.resolve({ value: 'slow' })
  await within(1000, Promise.all(sends), 'the sends')
  stream.end()
  assert.deepEqual(await within(1000, readAll(stream), 'the results'), ['first', 'slow', 'quick', 'last'])
})

test('rule 1: promises in a synchronous source that settle out of order arrive in order', async () => {
  const parts = numbers(5).map(() => deferred())
  const results = streamFn(same).run(parts.map((part) => part.promise))
  for (const n of [4, 2, 3, 1, 0]) {
    parts[n].resolve(n)
    await turns(1)
  }
  assert.deepEqual(await within(1000, results, 'run'), numbers(5))
})

test('rule 1: next() of the call form, called ahead, answers in order', async () => {
  const results = streamFn(same)(numbers(10))
  const got = await within(1000, Promise.all(numbers(12).map(() => results.next())), 'the reads')
  assert.deepEqual(
    got.map(({ value }) => value),
    [...numbers(10), undefined, undefined],
  )
  assert.deepEqual(
    got.map(({ done }) => done === true),
    [...numbers(10).map(() => false), true, true],
  )
})

test('rule 1: next() of a live iterator, called ahead, answers in order', async () => {
  const stream = streamFn(same).open()
  const iterator = stream[Symbol.asyncIterator]()
  const reads = numbers(4).map(() => iterator.next())
  await within(1000, stream.sendBatch(numbers(3)), 'the batch')
  stream.end()
  assert.deepEqual(await within(1000, Promise.all(reads), 'the reads'), [
    { value: 0, done: false },
    { value: 1, done: false },
    { value: 2, done: false },
    { value: undefined, done: true },
  ])
})

noUnhandledRejections('rule 1')
