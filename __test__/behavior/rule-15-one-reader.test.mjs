// Rule 15: one reader. An iterator is the reader until the end, a recv while it is pending; recvs at the same time are served in order; a feed is the
// reader and the only sender, and starts at once.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, streamFn, VeloError } from 'velo-stream'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* pass(events) {
  for await (const event of events) yield event
}

const isLocked = (error) =>
  error instanceof VeloError && error.code === 'VELO_LOCKED' && error.retryable === false && typeof error.streamId === 'string'

const open = (options) => streamFn(pass, { idleTimeout: 0, ...options }).open()

describe('an iterator', () => {
  test('rule 15: its first next() makes it the reader: everybody else gets VELO_LOCKED', async () => {
    const stream = open()
    const reader = stream[Symbol.asyncIterator]()
    const other = stream[Symbol.asyncIterator]()
    const pending = reader.next()
    await assert.rejects(within(1000, other.next(), 'next'), isLocked)
    await assert.rejects(within(1000, stream.recv(), 'recv'), isLocked)
    await assert.rejects(within(1000, stream.recv({ timeout: 10 }), 'recv'), isLocked)
    await assert.rejects(within(1000, stream.recvBatch(2), 'recvBatch'), isLocked)
    assert.throws(() => stream.feed([1]), isLocked)
    await within(1000, stream.send(1), 'send')
    assert.deepEqual(await within(1000, pending, 'next'), { value: 1, done: false })
    // Still the reader, although nothing is pending.
    await assert.rejects(within(1000, stream.recv(), 'recv'), isLocked)
    await assert.rejects(within(1000, other.next(), 'next'), isLocked)
    await within(1000, stream.send(2), 'send')
    assert.deepEqual(await within(1000, reader.next(), 'next'), { value: 2, done: false })
    stream.end()
    assert.deepEqual(await within(1000, reader.next(), 'next'), { value: undefined, done: true })
  })

  test('rule 15: making one locks nothing', async () => {
    const stream = open()
    const iterators = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()]
    await within(1000, stream.send(1), 'send')
    assert.equal(await within(1000, stream.recv(), 'recv'), 1)
    await within(1000, stream.send(2), 'send')
    assert.deepEqual(await within(1000, iterators[1].next(), 'next'), { value: 2, done: false })
    await assert.rejects(within(1000, iterators[0].next(), 'next'), isLocked)
    await within(1000, stream.close(), 'close')
  })

  test('rule 15: it locks until the end, and no longer', async () => {
    const stream = open()
    const reader = stream[Symbol.asyncIterator]()
    await within(1000, stream.send(1), 'send')
    await within(1000, reader.next(), 'next')
    stream.end()
    assert.equal((await within(1000, reader.next(), 'next')).done, true)
    await within(1000, stream.closed, 'closed')
    assert.equal((await within(1000, reader.next(), 'next')).done, true)
    await assert.rejects(within(1000, stream.recv(), 'recv'), (error) => error instanceof ClosedError && error.code === 'VELO_CLOSED')
    assert.deepEqual(await within(1000, stream.recvBatch(3), 'recvBatch'), [])
    assert.equal((await within(1000, stream[Symbol.asyncIterator]().next(), 'next')).done, true)
  })

  test('rule 15: several of its next() are served in order', async () => {
    const stream = open()
    const reader = stream[Symbol.asyncIterator]()
    const pending = [reader.next(), reader.next(), reader.next(), reader.next()]
    await within(1000, stream.sendBatch([1, 2, 3]), 'sendBatch')
    stream.end()
    assert.deepEqual(await within(1000, Promise.all(pending), 'next'), [
      { value: 1, done: false },
      { value: 2, done: false },
      { value: 3, done: false },
      { value: undefined, done: true },
    ])
  })

  test('rule 15: a refused reader takes nothing away', async () => {
    const stream = open()
    await within(1000, stream.sendBatch([1, 2, 3]), 'sendBatch')
    const seen = []
    await within(
      2000,
      (async () => {
        for await (const value of stream) {
          seen.push(value)
          await assert.rejects(stream.recv(), isLocked)
          await assert.rejects(stream.recvBatch(5), isLocked)
          if (value === 3) stream.end()
        }
      })(),
      'the loop',
    )
    assert.deepEqual(seen, [1, 2, 3])
  })

  test('rule 15: the iterator is iterable and gives itself', async () => {
    const stream = open()
    const reader = stream[Symbol.asyncIterator]()
    assert.equal(reader[Symbol.asyncIterator](), reader)
    await within(1000, reader.return(), 'return')
    assert.equal((await stream.closed).reason, 'closed')
  })
})

describe('recv', () => {
  test('rule 15: it locks while it is pending only', async () => {
    const stream = open()
    const reading = stream.recv()
    const reader = stream[Symbol.asyncIterator]()
    await assert.rejects(within(1000, reader.next(), 'next'), isLocked)
    assert.throws(() => stream.feed([1]), isLocked)
    await within(1000, stream.send(1), 'send')
    assert.equal(await within(1000, reading, 'recv'), 1)
    await within(1000, stream.send(2), 'send')
    assert.deepEqual(await within(1000, reader.next(), 'next'), { value: 2, done: false })
    await within(1000, stream.close(), 'close')
  })

  test('rule 15: a cancelled one locks no longer', async () => {
    const stream = open()
    const controller = new AbortController()
    const reading = outcome(stream.recv({ signal: controller.signal }))
    controller.abort()
    assert.equal((await within(1000, reading, 'recv')).error.code, 'VELO_ABORTED')
    await assert.rejects(within(5000, stream.recv({ timeout: 20 }), 'recv'), { code: 'VELO_TIMEOUT' })
    const next = stream[Symbol.asyncIterator]().next()
    await within(1000, stream.send(1), 'send')
    assert.deepEqual(await within(1000, next, 'next'), { value: 1, done: false })
    await within(1000, stream.close(), 'close')
  })

  test('rule 15: at the same time they are served first come, first served, batches among them', async () => {
    const stream = open()
    const order = []
    const note = (name) => (value) => order.push([name, value])
    const reads = [
      stream.recv().then(note('a')),
      stream.recv().then(note('b')),
      stream.recvBatch(2).then(note('c')),
      stream.recv().then(note('d')),
      stream.recv().then(note('e')),
    ]
    await within(1000, stream.sendBatch([1, 2, 3, 4, 5, 6]), 'sendBatch')
    await within(1000, Promise.all(reads), 'the reads')
    assert.deepEqual(order, [
      ['a', 1],
      ['b', 2],
      ['c', [3, 4]],
      ['d', 5],
      ['e', 6],
    ])
    await within(1000, stream.close(), 'close')
  })

  test('rule 15: one that leaves in the middle shifts the others', async () => {
    const stream = open()
    const controller = new AbortController()
    const reads = [stream.recv(), stream.recv({ signal: controller.signal }), stream.recv()].map(outcome)
    controller.abort()
    await within(1000, stream.sendBatch([1, 2]), 'sendBatch')
    const [first, second, third] = await within(1000, Promise.all(reads), 'the reads')
    assert.deepEqual([first.value, second.error.code, third.value], [1, 'VELO_ABORTED', 2])
    await within(1000, stream.close(), 'close')
  })

  test('rule 15: a thousand at once', async () => {
    const stream = open()
    const reads = Array.from({ length: 1000 }, () => stream.recv())
    for (let i = 0; i < 1000; i++) await within(1000, stream.send(i), 'send')
    assert.deepEqual(
      await within(5000, Promise.all(reads), 'the reads'),
      Array.from({ length: 1000 }, (_, i) => i),
    )
    await within(1000, stream.close(), 'close')
  })
})

describe('feed', () => {
  test('rule 15: it is the reader and the only sender', async () => {
    const stream = open()
    const gate = deferred()
    const results = stream.feed(
      (async function* () {
        yield 1
        await gate.promise
        yield 2
      })(),
    )
    await assert.rejects(within(1000, stream.send('x'), 'send'), isLocked)
    await assert.rejects(within(1000, stream.sendBatch(['x']), 'sendBatch'), isLocked)
    assert.equal(stream.trySend('x'), false)
    await assert.rejects(within(1000, stream.recv(), 'recv'), isLocked)
    await assert.rejects(within(1000, stream.recvBatch(1), 'recvBatch'), isLocked)
    await assert.rejects(within(1000, stream[Symbol.asyncIterator]().next(), 'next'), isLocked)
    assert.throws(() => stream.feed([1]), isLocked)
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 1, done: false })
    const pending = results.next()
    assert.ok(await isPending(pending))
    gate.resolve()
    assert.deepEqual(await within(1000, pending, 'next'), { value: 2, done: false })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.equal((await stream.closed).reason, 'done')
  })

  test('rule 15: it starts at once, before anybody reads', async () => {
    const seen = []
    const stream = streamFn(async function* (events) {
      for await (const event of events) {
        seen.push(event)
        yield event
      }
    }).open()
    const results = stream.feed([1, 2, 3])
    await turns(4)
    assert.deepEqual(seen, [1, 2, 3])
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 1, done: false })
    await within(1000, results.return(), 'return')
  })

  test('rule 15: leaving its loop closes the stream and gives the source back once', async () => {
    let returns = 0
    let i = 0
    const source = {
      [Symbol.asyncIterator]: () => source,
      next: async () => ({ value: i++, done: false }),
      return: async () => {
        returns++
        return { value: undefined, done: true }
      },
    }
    const stream = open({ buffer: 4 })
    await within(
      2000,
      (async () => {
        for await (const result of stream.feed(source)) if (result === 10) break
      })(),
      'the loop',
    )
    assert.equal(stream.state, 'closed')
    assert.equal((await stream.closed).reason, 'closed')
    await turns(2)
    assert.equal(returns, 1)
  })

  test('rule 15: return() before the first next() closes it too', async () => {
    const stream = open()
    const results = stream.feed([1, 2, 3])
    assert.deepEqual(await within(1000, results.return('given'), 'return'), { value: 'given', done: true })
    assert.equal((await stream.closed).reason, 'closed')
    assert.equal((await within(1000, results.next(), 'next')).done, true)
  })

  test('rule 15: it is refused while somebody reads, and a refusal leaves the source alone', async () => {
    const stream = open()
    const reading = stream.recv()
    let opened = 0
    const source = {
      [Symbol.asyncIterator]() {
        opened++
        return this
      },
      next: async () => ({ value: undefined, done: true }),
    }
    assert.throws(() => stream.feed(source), isLocked)
    assert.equal(opened, 0)
    await within(1000, stream.send(1), 'send')
    await within(1000, reading, 'recv')
    await within(1000, stream.close(), 'close')
  })
})

noUnhandledRejections('rule 15')
