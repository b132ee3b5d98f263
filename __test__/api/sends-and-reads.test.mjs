// send, trySend, sendBatch, recv, recvBatch, end, close and abort of a live stream: what they accept, answer, and refuse.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { ClosedError, OverloadedError } from 'velo-stream'
import { assertDue, busy, watch } from '../support/clock.mjs'
import { outcome } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* pass(events) {
  for await (const event of events) yield event
}

/** A stream whose function takes nothing until `gate` opens. */
function gated(place, options) {
  const gate = place.gate()
  const fn = place(
    async function* (events) {
      await gate.promise
      yield* pass(events)
    },
    { idleTimeout: 0, ...options },
    { gate, pass },
  )
  return { stream: fn.open(), gate }
}

const openOn = (place) => place(pass, { idleTimeout: 0 }).open()

/** When the caller has but to take the `count`-th result. */
async function arrived(place, stream, count) {
  await place.soon(() => assert.equal(stream.metrics.eventsOut, count), 2)
  await place.settled(2)
}

async function rest(stream) {
  stream.end()
  const results = []
  for (let batch = await stream.recvBatch(100); batch.length > 0; batch = await stream.recvBatch(100)) results.push(...batch)
  return results
}

describePlacements('sends', (place) => {
  const open = () => openOn(place)

  test('send resolves with undefined when accepted, and waits beyond the buffer', async () => {
    const { stream, gate } = gated(place, { buffer: 2 })
    assert.equal(await within(1000, stream.send(1), 'send'), undefined)
    await within(1000, stream.send(2), 'send')
    const third = stream.send(3)
    assert.ok(await place.isPending(third))
    assert.equal(stream.metrics.eventsIn, 2)
    gate.open()
    await within(1000, third, 'send')
    assert.deepEqual(await within(1000, rest(stream), 'the results'), [1, 2, 3])
  })

  test('trySend says whether there was room, and never overtakes a send in line', async () => {
    const { stream, gate } = gated(place, { buffer: 2 })
    assert.deepEqual([stream.trySend(1), stream.trySend(2), stream.trySend(3)], [true, true, false])
    const waiting = stream.send('in line')
    gate.open()
    assert.equal(stream.trySend('overtaking'), false)
    await within(1000, waiting, 'send')
    assert.deepEqual(await within(1000, rest(stream), 'the results'), [1, 2, 'in line'])
    assert.equal(stream.trySend('late'), false)
  })

  test('sendBatch may be empty, is copied, and stays contiguous', async () => {
    const { stream, gate } = gated(place, { buffer: 2 })
    await within(1000, stream.sendBatch([]), 'an empty batch')
    const batch = ['a', 'b', 'c', 'd']
    const sends = [stream.send(1), stream.sendBatch(batch), stream.send(2)]
    batch.length = 0
    batch.push('changed')
    gate.open()
    await place.settled(2)
    assert.deepEqual(
      await within(
        1000,
        Promise.all([rest2(stream, 6), ...sends]).then(([results]) => results),
        'the results',
      ),
      [1, 'a', 'b', 'c', 'd', 2],
    )
    await within(1000, stream.close(), 'close')
  })

  async function rest2(stream, count) {
    const results = []
    while (results.length < count) results.push(await stream.recv())
    return results
  }

  test('an error of sendBatch says how many were accepted', async () => {
    const { stream, gate } = gated(place, { buffer: 2 })
    const sending = outcome(stream.sendBatch([1, 2, 3, 4]))
    await place.settled(2)
    const closing = stream.close()
    const { error } = await within(1000, sending, 'sendBatch')
    assert.ok(error instanceof ClosedError)
    assert.deepEqual([error.code, error.accepted, stream.metrics.eventsIn], ['VELO_CLOSED', 2, 2])
    await place.settled() // the function has heard of the end before it goes on
    gate.open()
    await within(1000, closing, 'close')
    assert.deepEqual((await within(5000, stream.closed, 'closed')).dropped, { events: 2, results: 0 })
  })

  test('refused at once beyond the line; the stream lives', async () => {
    const { stream, gate } = gated(place, { buffer: 1 })
    const sends = Array.from({ length: 17 }, (_, i) => stream.send(i))
    const error = (await within(1000, outcome(stream.send('one too many')), 'send')).error
    assert.ok(error instanceof OverloadedError)
    assert.deepEqual([error.code, error.retryable, error.streamId], ['VELO_OVERRUN', true, stream.id])
    gate.open()
    const results = []
    for (let i = 0; i < 17; i++) results.push(await within(1000, stream.recv(), 'recv'))
    await within(1000, Promise.all(sends), 'the sends')
    assert.deepEqual(
      results,
      Array.from({ length: 17 }, (_, i) => i),
    )
    await within(1000, stream.close(), 'close')
  })

  test('a send whose signal fires leaves the line and is not delivered', async () => {
    const { stream, gate } = gated(place, { buffer: 1 })
    const controller = new AbortController()
    const sends = [stream.send(1), stream.send(2, { signal: controller.signal }), stream.send(3)]
    controller.abort('not now')
    await assert.rejects(within(1000, sends[1], 'send'), {
      name: 'AbortError',
      code: 'VELO_ABORTED',
      cause: 'not now',
      streamId: stream.id,
    })
    gate.open()
    assert.equal(await within(1000, stream.recv(), 'recv'), 1)
    assert.equal(await within(1000, stream.recv(), 'recv'), 3)
    await within(1000, Promise.all([sends[0], sends[2]]), 'the sends')
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    assert.equal(stream.metrics.eventsIn, 2)
    await within(1000, stream.close(), 'close')
  })

  test('a send that was accepted stays accepted when its signal fires', async () => {
    const { stream, gate } = gated(place)
    const controller = new AbortController()
    await within(1000, stream.send(1, { signal: controller.signal }), 'send')
    controller.abort()
    gate.open()
    assert.deepEqual(await within(1000, rest(stream), 'the results'), [1])
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  test('a send with a signal that has fired is refused, and nothing is sent', async () => {
    const stream = open()
    await assert.rejects(within(1000, stream.send(1, { signal: AbortSignal.abort('over') }), 'send'), {
      code: 'VELO_ABORTED',
      cause: 'over',
    })
    assert.equal(stream.metrics.eventsIn, 0)
    await within(1000, stream.close(), 'close')
  })

  test('undefined is an event like any other', async () => {
    const stream = open()
    await within(1000, stream.send(undefined), 'send')
    assert.equal(stream.trySend(undefined), true)
    assert.deepEqual(await within(1000, rest(stream), 'the results'), [undefined, undefined])
  })

  test('a promise is an event like any other of a live stream here, and cannot travel to a worker', async () => {
    const stream = open()
    const promise = Promise.resolve(1)
    const sending = stream.send([promise])
    if (place.worker) {
      await assert.rejects(within(1000, sending, 'send'), { code: 'VELO_CODEC', retryable: false, field: /\[0\]/ })
      assert.throws(() => stream.trySend([promise]), { code: 'VELO_CODEC', field: /\[0\]/ })
      assert.equal(stream.metrics.eventsIn, 0)
      await within(1000, stream.send('the stream lives'), 'send')
      assert.deepEqual(await within(1000, rest(stream), 'the results'), ['the stream lives'])
    } else {
      await within(1000, sending, 'send')
      const [received] = await within(1000, stream.recv(), 'recv')
      assert.equal(received, promise)
      await within(1000, stream.close(), 'close')
    }
  })
})

describePlacements('reads', (place) => {
  const open = () => openOn(place)

  test('recvBatch takes what there is, up to max, waits for the first, and is empty at the end', async () => {
    const stream = open()
    const waiting = stream.recvBatch(3)
    assert.ok(await place.isPending(waiting))
    await within(1000, stream.send(1), 'send')
    assert.deepEqual(await within(1000, waiting, 'recvBatch'), [1])
    await within(1000, stream.sendBatch([2, 3, 4, 5]), 'sendBatch')
    await arrived(place, stream, 5)
    assert.deepEqual(await within(1000, stream.recvBatch(3), 'recvBatch'), [2, 3, 4])
    assert.deepEqual(await within(1000, stream.recvBatch(3), 'recvBatch'), [5])
    stream.end()
    assert.deepEqual(await within(1000, stream.recvBatch(3), 'recvBatch'), [])
    assert.deepEqual(await within(1000, stream.recvBatch(3), 'recvBatch'), [])
  })

  for (const timeout of [0, 1, 25, 60.5]) {
    test(`recv({ timeout: ${timeout} }) is never early, and loses nothing`, async () => {
      const stream = open()
      const passed = watch()
      const error = (await within(8000, outcome(stream.recv({ timeout })), 'recv')).error
      assertDue(passed(), timeout, 'the timeout')
      assert.deepEqual([error.name, error.code, error.retryable, error.streamId], ['TimeoutError', 'VELO_TIMEOUT', true, stream.id])
      await within(1000, stream.sendBatch([1, 2]), 'sendBatch')
      assert.equal(await within(1000, stream.recv({ timeout: 1000 }), 'recv'), 1)
      assert.equal(await within(1000, stream.recv(), 'recv'), 2)
      await within(1000, stream.close(), 'close')
    })
  }

  test('a result that came while the thread was busy past the timeout is delivered once, to somebody', async () => {
    for (let i = 0; i < 10; i++) {
      const stream = open()
      const reading = outcome(stream.recv({ timeout: 20 }))
      await place.settled(1)
      busy(50)
      await within(1000, stream.send('the one'), 'send')
      const first = await within(1000, reading, 'recv')
      const second = first.error === undefined ? null : await within(1000, stream.recv(), 'recv')
      assert.equal(first.error === undefined ? first.value : second, 'the one')
      assert.deepEqual(await within(1000, rest(stream), 'the rest'), [])
    }
  })

  test('a read whose signal fires loses nothing, and leaves no listener', async () => {
    const stream = open()
    const controller = new AbortController()
    const reads = [outcome(stream.recv({ signal: controller.signal })), stream.recv()]
    controller.abort('no more')
    const { error } = await within(1000, reads[0], 'recv')
    assert.deepEqual([error.name, error.cause], ['AbortError', 'no more'])
    await within(1000, stream.sendBatch([1, 2]), 'sendBatch')
    assert.equal(await within(1000, reads[1], 'recv'), 1)
    const other = new AbortController()
    assert.equal(await within(1000, stream.recv({ signal: other.signal }), 'recv'), 2)
    assert.deepEqual([getEventListeners(controller.signal, 'abort').length, getEventListeners(other.signal, 'abort').length], [0, 0])
    await within(1000, stream.close(), 'close')
  })

  test('a read with a signal that has fired is refused, and takes no result', async () => {
    const stream = open()
    await within(1000, stream.send(1), 'send')
    await arrived(place, stream, 1)
    await assert.rejects(within(1000, stream.recv({ signal: AbortSignal.abort() }), 'recv'), { code: 'VELO_ABORTED' })
    assert.equal(await within(1000, stream.recv(), 'recv'), 1)
    await within(1000, stream.close(), 'close')
  })

  test('after the end every read says so, again and again', async () => {
    const stream = open()
    await within(1000, rest(stream), 'the results')
    for (let i = 0; i < 3; i++) {
      const { error } = await within(1000, outcome(stream.recv({ timeout: 1000 })), 'recv')
      assert.ok(error instanceof ClosedError)
      assert.deepEqual([error.code, error.reason, error.cause], ['VELO_CLOSED', 'done', undefined])
    }
  })
})

describePlacements('ends', (place) => {
  const open = () => openOn(place)

  test('end() is idempotent, and sends after it reject with VELO_ENDED', async () => {
    const stream = open()
    await within(1000, stream.send(1), 'send')
    assert.equal(stream.end(), undefined)
    stream.end()
    for (const sending of [stream.send(2), stream.sendBatch([2])]) {
      const { error } = await within(1000, outcome(sending), 'send')
      assert.ok(error instanceof ClosedError)
      assert.match(error.code, /^VELO_(ENDED|CLOSED)$/)
    }
    assert.equal(stream.trySend(2), false)
    assert.deepEqual(await within(1000, rest(stream), 'the results'), [1])
  })

  test('close() gives the same answer however often it is asked', async () => {
    const stream = open()
    await within(1000, stream.send(1), 'send')
    const closes = [stream.close(), stream.close(), stream[Symbol.asyncDispose]()]
    assert.deepEqual(await within(1000, Promise.all(closes), 'close'), [undefined, undefined, undefined])
    assert.equal(await within(1000, stream.close(), 'close'), undefined)
    assert.equal(stream.abort(), undefined)
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'closed')
  })

  test('an error thrown while closing rejects that close, once', async () => {
    const error = new Error('in finally')
    const fn = place(
      async function* (events) {
        try {
          yield* pass(events)
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: the case under test
          throw error
        }
      },
      {},
      { error, pass },
    )
    const stream = fn.open()
    await within(1000, stream.send(1), 'send')
    await arrived(place, stream, 1) // on a worker, an accepted event does not mean that the function has started
    const { error: thrown } = await within(1000, outcome(stream.close()), 'close')
    place.same(thrown, error)
    const { error: after } = await within(1000, outcome(stream.recv()), 'recv')
    assert.deepEqual([after.code, after.cause], ['VELO_CLOSED', thrown])
    assert.equal(after.cause, thrown)
  })

  test('abort(reason): every reason is the cause, whatever it is', async () => {
    for (const reason of [undefined, null, 0, '', 'text', new Error('why'), Symbol('why')]) {
      const stream = open()
      const reading = outcome(stream.recv())
      stream.abort(reason)
      const { error } = await within(1000, reading, 'recv')
      assert.deepEqual([error.name, error.code, error.retryable], ['AbortError', 'VELO_ABORTED', false])
      assert.equal(error.cause, reason)
      assert.equal((await within(1000, stream.closed, 'closed')).error, error)
    }
  })

  test('methods need their stream, and say so by a TypeError', () => {
    const { send, recv, close } = open()
    for (const method of [send, recv, close]) assert.throws(() => method(), TypeError)
  })
})

noUnhandledRejections('sends and reads')
