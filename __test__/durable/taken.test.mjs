// What a durable function on this thread is given of what waits for it: taken at once, in the order in which it was kept.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { deferred, isPending } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const PATIENT = 30_000

/** Opens stream `a` of `fn` over `shelf`. */
const opened = (fn, shelf, options) =>
  streamFn(fn, { name: 'f', durable: durable(new MemoryJournal({ shelf })), ...options }).open({ id: 'a' })

/** A shelf on which these events are kept, sent one after the other. */
async function kept(events) {
  const shelf = newShelf()
  const stream = opened(async function* (given) {
    for await (const _ of given);
  }, shelf)
  for (const event of events) await within(PATIENT, stream.send(event))
  await stream.close()
  return shelf
}

const numbers = (count) => Array.from({ length: count }, (_, at) => at)

async function all(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

describe('events that wait are taken at once', () => {
  test('several next() before the first answer get them in order, those that are there and those that come', async () => {
    const waits = deferred()
    const stream = opened(
      async function* (events) {
        const asked = Array.from({ length: 6 }, () => events.next())
        waits.resolve()
        const first = await asked[0]
        // Asked behind others that have not come.
        asked.push(events.next(), events.next())
        yield [first.value, ...(await Promise.all(asked.slice(1))).map(({ value }) => value)]
      },
      await kept(numbers(3)),
    )
    assert.deepEqual(await within(PATIENT, stream.resumed), { events: 3, results: 0, by: 'replay' })
    await within(PATIENT, waits.promise)
    const sent = stream.sendBatch([3, 4, 5, 6, 7])
    assert.deepEqual(await within(PATIENT, stream.recv()), numbers(8))
    await within(PATIENT, sent)
    await stream.abort()
  })

  test('next() behind one that is asked for and has not come waits its turn', async () => {
    const waits = deferred()
    const stream = opened(async function* (events) {
      const first = events.next()
      waits.resolve()
      const order = []
      const rest = first.then(({ value }) => {
        order.push(value)
        return events.next().then(({ value }) => order.push(value))
      })
      const second = events.next().then(({ value }) => order.push(value))
      await Promise.all([rest, second])
      yield order
    }, newShelf())
    const read = stream.recv()
    await within(PATIENT, waits.promise)
    await within(PATIENT, stream.sendBatch(['a', 'b', 'c']))
    assert.deepEqual(await within(PATIENT, read), ['a', 'b', 'c'])
    await stream.abort()
  })

  test('ctx.now() is the time of the event taken last, and ctx.replaying ends with what was given out before', async () => {
    const shelf = newShelf()
    const seen = []
    const sees = async function* (events, ctx) {
      const one = events.next()
      seen.push(ctx.replaying)
      await one
      const times = [ctx.now()]
      const two = [events.next(), events.next()]
      await Promise.all(two)
      times.push(ctx.now())
      await events.next()
      times.push(ctx.now())
      yield 'again'
      seen.push(ctx.replaying)
      yield times
    }
    const first = opened(sees, shelf)
    await within(PATIENT, first.sendBatch(numbers(4)))
    assert.equal(await within(PATIENT, first.recv()), 'again')
    await within(PATIENT, first.ack())
    await first.close()
    const [{ records }] = shelf.streams.values()
    for (const [at, record] of records.entries()) record.at = 1000 + at
    seen.length = 0
    const second = opened(sees, shelf)
    assert.deepEqual(await within(PATIENT, second.recv()), [1000, 1002, 1003])
    assert.deepEqual(seen, [true, false])
    await second.abort()
  })

  test('a function that stops in the middle of what is stored ends, and what is left is not taken', async () => {
    const taken = []
    const stream = opened(
      async function* (events) {
        for await (const event of events) {
          taken.push(event)
          if (event === 2) break
        }
        yield (await events.next()).done
        return 'stopped'
      },
      await kept(numbers(10)),
    )
    assert.deepEqual(await within(PATIENT, all(stream)), [true])
    const end = await within(PATIENT, stream.closed)
    assert.deepEqual([end.reason, end.value, taken], ['done', 'stopped', [0, 1, 2]])
  })

  test('a function that throws in the middle of what is stored fails the handle', async () => {
    const stream = opened(
      async function* (events) {
        for await (const event of events) if (event === 2) throw new RangeError('two')
        yield 0
      },
      await kept(numbers(10)),
    )
    const { code, cause } = await within(PATIENT, stream.recv()).catch((error) => error)
    assert.deepEqual([code, cause.name, cause.message], ['VELO_CHECKPOINT', 'RangeError', 'two'])
    assert.equal((await within(PATIENT, stream.closed)).reason, 'failed')
  })

  for (const buffer of [1, 2, 5])
    test(`more events than the ${buffer} that may wait come through, before and after the replay`, async () => {
      const stream = opened(
        async function* (events) {
          for await (const event of events) yield event
        },
        await kept(numbers(50)),
        { buffer },
      )
      const sent = stream.sendBatch(numbers(100).slice(50)).then(() => stream.end())
      assert.deepEqual(await within(PATIENT, all(stream)), numbers(100))
      await within(PATIENT, sent)
    })

  test('what waits for room waits while the function does not ask, and goes on when it does', async () => {
    const go = deferred()
    const stream = opened(
      async function* (events) {
        await events.next()
        await go.promise
        for await (const event of events) yield event
      },
      newShelf(),
      { buffer: 4 },
    )
    const sends = numbers(16).map((event) => stream.send(event))
    const last = Promise.all(sends).then(() => stream.end())
    assert.ok(await isPending(last, 20))
    go.resolve()
    assert.deepEqual(await within(PATIENT, all(stream)), numbers(16).slice(1))
    await within(PATIENT, last)
  })

  test('abort while it takes ends it at once: nothing that waits is given after', async () => {
    const taken = []
    let stream
    const made = deferred()
    stream = opened(
      async function* (events) {
        await made.promise
        for await (const event of events) {
          taken.push(event)
          if (event === 3) stream.abort(new Error('enough'))
        }
        yield 0
      },
      await kept(numbers(20)),
    )
    const failed = assert.rejects(within(PATIENT, stream.recv()), { name: 'AbortError' })
    made.resolve()
    await failed
    assert.equal((await within(PATIENT, stream.closed)).reason, 'aborted')
    assert.deepEqual(taken, [0, 1, 2, 3])
  })
})
