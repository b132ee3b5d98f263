// Rule 4: every queue has a bound that the user can name, and nothing else buffers.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, OverloadedError, streamFn } from 'velo-stream'
import { asyncSource, numbers, readableSource, syncSource } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

function* naturals() {
  for (let n = 0; ; n++) yield n
}

/** A stream whose function takes one event, then waits for `hold`, then passes everything on. */
function held(options) {
  const took = deferred()
  const hold = deferred()
  const stream = streamFn(async function* (events) {
    const { value } = await events.next()
    took.resolve()
    await hold.promise
    yield value
    for await (const event of events) yield event
  }, options).open()
  return { stream, took: took.promise, release: hold.resolve }
}

/** Fills a held stream: the function has taken event 0, and `buffer` more wait. */
async function filled(buffer, options = {}) {
  const got = held({ buffer, ...options })
  await within(500, got.stream.send(0), 'the first send')
  await within(500, got.took, 'the first event')
  for (let i = 1; i <= buffer; i++) await within(500, got.stream.send(i), `send ${i} of ${buffer}`)
  return got
}

async function recvMany(stream, count) {
  const results = []
  for (let i = 0; i < count; i++) results.push(await within(1000, stream.recv(), `result ${i} of ${count}`))
  return results
}

describe('the input channel', () => {
  for (const buffer of [1, 2, 16, 100]) {
    test(`rule 4: with a buffer of ${buffer}, ${buffer} events wait for a busy function and the next send waits`, async () => {
      const { stream, release } = await filled(buffer)
      assert.equal(stream.metrics.eventsIn, buffer + 1)
      assert.equal(stream.trySend('no room'), false)
      const next = stream.send(buffer + 1)
      assert.ok(await isPending(next))
      assert.equal(stream.metrics.eventsIn, buffer + 1)
      release()
      assert.deepEqual(await recvMany(stream, buffer + 2), numbers(buffer + 2))
      await within(500, next, 'the send that waited')
      await stream.close()
    })
  }

  test('rule 4: a function that never reads its input gets no more than `buffer` events', async () => {
    const gate = deferred()
    const stream = streamFn(
      async function* () {
        await gate.promise
        yield 'done without reading'
      },
      { buffer: 5 },
    ).open()
    const sends = numbers(12).map((n) => outcome(stream.send(n)))
    await turns()
    assert.equal(stream.metrics.eventsIn, 5)
    gate.resolve()
    assert.equal(await within(500, stream.recv(), 'the result'), 'done without reading')
    const all = await within(500, Promise.all(sends), 'the sends')
    for (const [n, { error }] of all.entries()) assert.equal(error?.code, n < 5 ? undefined : 'VELO_CLOSED', `send ${n}`)
    assert.deepEqual((await stream.closed).dropped, { events: 5, results: 0 })
  })

  test('rule 4: taking one event makes room for exactly one', async () => {
    const asks = []
    const stream = streamFn(
      async function* (events) {
        for (;;) {
          const ask = deferred()
          asks.push(ask)
          await ask.promise
          const { value, done } = await events.next()
          if (done) return
          yield value
        }
      },
      { buffer: 3 },
    ).open()
    const accepted = []
    for (let i = 0; i < 8; i++) stream.send(i).then(() => accepted.push(i))
    await turns()
    assert.deepEqual(accepted, [0, 1, 2])
    for (let i = 0; i < 5; i++) {
      asks.at(-1).resolve()
      assert.equal(await within(500, stream.recv(), `result ${i}`), i)
      await turns()
      assert.deepEqual(accepted, numbers(4 + i))
    }
    const closing = stream.close()
    asks.at(-1).resolve()
    await within(500, closing, 'close')
  })
})

describe('the output channel', () => {
  for (const buffer of [1, 4, 64]) {
    test(`rule 4: with a buffer of ${buffer}, a function that yields for ever is suspended`, async () => {
      let yielded = 0
      const stream = streamFn(
        async function* (events) {
          await events.next()
          for (;;) {
            yielded++
            yield yielded
          }
        },
        { buffer },
      ).open()
      await within(500, stream.send('go'), 'send')
      await turns(10)
      // The last one may be in the hands of the yield that is suspended.
      assert.ok(yielded >= buffer && yielded <= buffer + 1, `${yielded} yielded`)
      for (let read = 1; read <= 20; read++) {
        assert.equal(await within(500, stream.recv(), 'recv'), read)
        await turns()
        assert.ok(yielded <= read + buffer + 1, `${yielded} yielded after ${read} reads`)
      }
      assert.equal((await within(500, stream.recvBatch(10_000), 'recvBatch')).length <= buffer + 1, true)
      await within(500, stream.close(), 'close')
    })
  }

  test('rule 4: with nobody reading, the input fills up too, and then send waits', async () => {
    const stream = streamFn(same, { buffer: 8 }).open()
    let accepted = 0
    const sending = outcome(
      (async () => {
        for (const n of numbers(1000)) {
          await stream.send(n)
          accepted++
        }
      })(),
    )
    await turns(10)
    assert.ok(accepted >= 16 && accepted <= 17, `${accepted} accepted`)
    const results = await recvMany(stream, 500)
    assert.deepEqual(results, numbers(500))
    await turns(10)
    assert.ok(accepted <= 517, `${accepted} accepted`)
    await within(500, stream.close(), 'close')
    assert.equal((await within(500, sending, 'the sender')).error.code, 'VELO_CLOSED')
  })

  test('rule 4: a pipeline buffers no more than one stream function does', async () => {
    const produced = [0, 0, 0]
    const stage = (index) =>
      async function* (events) {
        for await (const event of events) {
          produced[index]++
          yield event
        }
      }
    const stream = streamFn(stage(0), { buffer: 4 }).pipe(stage(1)).pipe(stage(2)).open()
    const sending = outcome(stream.sendBatch(numbers(200)))
    await turns(20)
    const { eventsIn } = stream.metrics
    // Two channels of 4, and one event in the hands of each of the three stages.
    assert.ok(eventsIn <= 11, `${eventsIn} accepted`)
    for (const count of produced) assert.ok(count <= 7, `${produced} produced`)
    assert.deepEqual(await recvMany(stream, 200), numbers(200))
    assert.deepEqual(await within(500, sending, 'the batch'), { value: undefined })
    await stream.close()
  })

  test('rule 4: fan-out between two stages is not collected', async () => {
    let produced = 0
    const stream = streamFn(
      async function* (events) {
        for await (const event of events)
          for (let i = 0; i < 10_000; i++) {
            produced++
            yield [event, i]
          }
      },
      { buffer: 4 },
    )
      .pipe(same)
      .open()
    await within(500, stream.send(1), 'send')
    await turns(20)
    assert.ok(produced <= 8, `${produced} produced`)
    await within(500, stream.close(), 'close')
  })
})

describe('the line of sends', () => {
  for (const [buffer, places] of [
    [1, 16],
    [4, 16],
    [16, 16],
    [17, 17],
    [64, 64],
  ]) {
    test(`rule 4: with a buffer of ${buffer}, ${places} sends wait and the next is refused at once`, async () => {
      const { stream, release } = await filled(buffer)
      const order = []
      const waiting = numbers(places).map((n) => stream.send(buffer + 1 + n).then(() => order.push(n)))
      const { error } = await within(500, outcome(stream.send('too many')), 'the refused send')
      assert.ok(error instanceof OverloadedError)
      assert.equal(error.code, 'VELO_OVERRUN')
      assert.equal(error.retryable, true)
      assert.equal(error.streamId, stream.id)
      assert.equal((await within(500, outcome(stream.sendBatch(['too', 'many'])), 'the refused batch')).error.code, 'VELO_OVERRUN')
      assert.equal(stream.trySend('too many'), false)
      assert.equal(stream.state, 'open')
      release()
      assert.deepEqual(await recvMany(stream, buffer + 1 + places), numbers(buffer + 1 + places))
      await within(500, Promise.all(waiting), 'the sends that waited')
      assert.deepEqual(order, numbers(places))
      await within(500, stream.send('later'), 'a later send')
      assert.equal(await within(500, stream.recv(), 'its result'), 'later')
      await stream.close()
      assert.deepEqual((await stream.closed).dropped, { events: 0, results: 0 })
    })
  }

  test('rule 4: the error of a refused batch says that nothing was accepted', async () => {
    const { stream, release } = await filled(1)
    const waiting = numbers(16).map((n) => outcome(stream.send(n)))
    const { error } = await within(500, outcome(stream.sendBatch([1, 2, 3])), 'the batch')
    assert.equal(error.code, 'VELO_OVERRUN')
    assert.equal(error.accepted, 0)
    release()
    await stream.close()
    await within(500, Promise.all(waiting), 'the sends')
  })

  test('rule 4: a place that is given up is free for the next', async () => {
    const { stream, release } = await filled(1)
    const controller = new AbortController()
    const waiting = numbers(16).map((n) => outcome(stream.send(n, n === 7 ? { signal: controller.signal } : undefined)))
    assert.equal((await outcome(stream.send('x'))).error.code, 'VELO_OVERRUN')
    controller.abort()
    assert.equal((await within(500, waiting[7], 'the one that left')).error.code, 'VELO_ABORTED')
    const next = outcome(stream.send('y'))
    assert.ok(await isPending(next))
    release()
    const results = await recvMany(stream, 18)
    assert.deepEqual(results, [0, 1, ...numbers(16).filter((n) => n !== 7), 'y'])
    assert.deepEqual(await within(500, next, 'the next one'), { value: undefined })
    await stream.close()
  })

  test('rule 4: sends that wait for a permit have the same bound', async () => {
    const fn = streamFn(same, { maxConcurrent: 1, queue: 1, buffer: 4 })
    const first = fn.open()
    const second = fn.open()
    assert.equal(second.state, 'waiting')
    const sends = numbers(16).map((n) => second.send(n))
    assert.equal((await within(500, outcome(second.send('too many')), 'one too many')).error.code, 'VELO_OVERRUN')
    assert.equal(second.trySend(1), false)
    assert.equal(second.metrics.eventsIn, 0)
    await first.close()
    assert.deepEqual(await recvMany(second, 16), numbers(16))
    await within(500, Promise.all(sends), 'the sends')
    await second.close()
  })
})

describe('trySend', () => {
  test('rule 4: trySend is true while there is room, false when there is none', async () => {
    const { stream, took, release } = held({ buffer: 3 })
    assert.equal(stream.trySend(0), true)
    await within(500, took, 'the first event')
    assert.deepEqual(
      numbers(5).map((n) => stream.trySend(n + 1)),
      [true, true, true, false, false],
    )
    release()
    assert.deepEqual(await recvMany(stream, 4), numbers(4))
    assert.equal(stream.trySend('again'), true)
    assert.equal(await within(500, stream.recv(), 'recv'), 'again')
    await stream.close()
  })

  test('rule 4: trySend does not overtake those who wait', async () => {
    const { stream, release } = await filled(2)
    const waiting = [stream.send('w1'), stream.sendBatch(['w2', 'w3', 'w4', 'w5']), stream.send('w6')]
    const seen = []
    let pushed = 0
    release()
    for (let i = 0; i < 200 && seen.length < 9 + pushed; i++) {
      if (stream.trySend('pushy')) pushed++
      if (pushed > 3) break
      seen.push(await within(500, stream.recv(), `result ${i}`))
      if (stream.trySend('pushy')) pushed++
    }
    await within(500, Promise.all(waiting), 'the sends')
    stream.end()
    for await (const result of stream) seen.push(result)
    assert.deepEqual(
      seen.filter((result) => result !== 'pushy'),
      [0, 1, 2, 'w1', 'w2', 'w3', 'w4', 'w5', 'w6'],
    )
    assert.ok(seen.indexOf('pushy') === -1 || seen.indexOf('pushy') > seen.indexOf('w6'), `${seen}`)
  })

  test('rule 4: trySend is false after the end, and does not throw', async () => {
    const ends = {
      end: (stream) => stream.end(),
      close: (stream) => void stream.close(),
      abort: (stream) => stream.abort(),
    }
    for (const [name, end] of Object.entries(ends)) {
      const stream = streamFn(same).open()
      assert.equal(stream.trySend(1), true)
      end(stream)
      assert.equal(stream.trySend(2), false, `right after ${name}`)
      await outcome(stream.close())
      assert.equal(stream.trySend(3), false, `long after ${name}`)
      assert.equal(stream.metrics.eventsIn, 1)
    }
  })

  test('rule 4: trySend is false after the function threw or returned', async () => {
    for (const fails of [true, false]) {
      const stream = streamFn(async function* (events) {
        await events.next()
        if (fails) throw new Error('fails')
      }).open()
      stream.trySend(1)
      await within(500, stream.closed, 'closed')
      assert.equal(stream.trySend(2), false)
    }
  })
})

describe('sendBatch', () => {
  test('rule 4: batches are contiguous, however many wait and however small the buffer', async () => {
    const stream = streamFn(same, { buffer: 3 }).open()
    const sends = []
    const expected = []
    for (let batch = 0; batch < 10; batch++) {
      const events = numbers(10).map((n) => `${batch}.${n}`)
      expected.push(...events, `single ${batch}`)
      sends.push(stream.sendBatch(events))
      if (batch < 6) sends.push(stream.send(`single ${batch}`))
      else expected.pop()
    }
    assert.deepEqual(await recvMany(stream, expected.length), expected)
    await within(500, Promise.all(sends), 'the sends')
    await stream.close()
  })

  test('rule 4: a batch is one place in line', async () => {
    const { stream, release } = await filled(1)
    const batches = numbers(16).map((n) => stream.sendBatch(numbers(50).map((i) => [n, i])))
    assert.equal((await outcome(stream.sendBatch([1]))).error.code, 'VELO_OVERRUN')
    release()
    const results = await recvMany(stream, 2 + 16 * 50)
    assert.deepEqual(
      results.slice(2),
      numbers(800).map((n) => [Math.floor(n / 50), n % 50]),
    )
    await within(500, Promise.all(batches), 'the batches')
    await stream.close()
  })

  test('rule 4: a batch is accepted as far as there is room, and its promise waits for the rest', async () => {
    const { stream, took, release } = held({ buffer: 4 })
    const batch = stream.sendBatch(numbers(10))
    await within(500, took, 'the first event')
    assert.ok(await isPending(batch))
    assert.equal(stream.metrics.eventsIn, 5)
    release()
    assert.deepEqual(await recvMany(stream, 10), numbers(10))
    await within(500, batch, 'the batch')
    await stream.close()
  })

  test('rule 4: an empty batch is accepted at once', async () => {
    const stream = streamFn(same).open()
    await within(500, stream.sendBatch([]), 'the empty batch')
    assert.equal(stream.metrics.eventsIn, 0)
    await stream.close()
    assert.equal((await within(500, outcome(stream.sendBatch([1])), 'a batch')).error.accepted, 0)
  })

  test('rule 4: changing the array after the call changes nothing', async () => {
    const { stream, release } = await filled(1)
    const events = ['a', 'b', 'c']
    const batch = stream.sendBatch(events)
    events.fill('changed')
    events.length = 0
    release()
    assert.deepEqual(await recvMany(stream, 5), [0, 1, 'a', 'b', 'c'])
    await within(500, batch, 'the batch')
    await stream.close()
  })

  const cuts = {
    'is closed': [(stream) => void stream.close(), 'VELO_CLOSED'],
    'is aborted': [(stream) => stream.abort(new Error('cut')), 'VELO_ABORTED'],
  }
  for (const [name, [cut, code]] of Object.entries(cuts)) {
    test(`rule 4: the error of a batch says how much was accepted when the stream ${name}`, async () => {
      const { stream, took, release } = held({ buffer: 4 })
      const batch = outcome(stream.sendBatch(numbers(10)))
      const behind = outcome(stream.sendBatch(['x', 'y']))
      await within(500, took, 'the first event')
      await turns()
      cut(stream)
      const { error } = await within(500, batch, 'the batch')
      assert.equal(error.code, code)
      assert.equal(error.accepted, 5)
      const second = await within(500, behind, 'the batch behind')
      assert.equal(second.error.code, code)
      assert.equal(second.error.accepted, 0)
      release()
      await within(500, stream.closed, 'closed')
      assert.equal(stream.metrics.eventsIn, 5)
    })
  }

  test('rule 4: the error of a batch says how much was accepted when the function throws or returns', async () => {
    const thrown = new Error('enough')
    for (const fails of [true, false]) {
      const stream = streamFn(
        async function* (events) {
          for await (const event of events) {
            if (event !== 6) continue
            if (fails) throw thrown
            return
          }
        },
        { buffer: 4 },
      ).open()
      const { error } = await within(500, outcome(stream.sendBatch(numbers(100))), 'the batch')
      assert.ok(error instanceof ClosedError)
      assert.equal(error.code, 'VELO_CLOSED')
      assert.equal(error.accepted, stream.metrics.eventsIn)
      assert.ok(error.accepted >= 7 && error.accepted <= 11, `${error.accepted} accepted`)
      if (fails) assert.equal(error.cause, thrown)
      const end = await within(500, stream.closed, 'closed')
      assert.equal(end.dropped.events, error.accepted - 7)
    }
  })
})

describe('pulled sources', () => {
  for (const [name, make, slack] of [
    ['an async iterator', asyncSource, 0],
    ['a sync iterable', syncSource, 0],
    ['a Readable', readableSource, 8],
  ]) {
    test(`rule 4: run() pulls ${name} at most \`buffer\` ahead of the function`, async () => {
      const source = make(naturals())
      const counts = source.counts ?? source
      let taken = 0
      let ahead = 0
      const fn = streamFn(
        async function* (events) {
          for await (const event of events) {
            taken++
            await turns(1)
            ahead = Math.max(ahead, counts.pulls - taken)
            if (event === 60) return
            yield event
          }
        },
        { buffer: 4 },
      )
      assert.equal((await within(3000, fn.run(source), 'run')).length, 60)
      assert.ok(ahead <= 4 + slack, `${ahead} ahead`)
    })
  }

  test('rule 4: feed() pulls no more than the two buffers hold', async () => {
    const source = asyncSource(naturals())
    const stream = streamFn(same, { buffer: 4 }).open()
    const results = stream.feed(source)
    await turns(20)
    // Two channels of 4, one in the hands of the function, one of the feed.
    assert.ok(source.pulls <= 10, `${source.pulls} pulled`)
    for (let i = 0; i < 50; i++) {
      assert.equal((await within(500, results.next(), 'next')).value, i)
      assert.ok(source.pulls <= i + 12, `${source.pulls} pulled after ${i + 1} reads`)
    }
    await within(500, results.return(), 'return')
  })
})

describePaths(
  'bounds on every path',
  (path, test) => {
    test('rule 4: the smallest buffer is enough for any amount', async () => {
      const fn = path.define(
        async function* (events) {
          for await (const event of events) {
            yield event
            yield -event
          }
        },
        { buffer: 1 },
      )
      const { results, failure } = await path.drive(fn, numbers(300))
      assert.equal(failure, null)
      assert.deepEqual(
        results,
        numbers(300).flatMap((n) => [n, -n]),
      )
    })
  },
  { plain: false },
)

test('rule 4: a stuck function does not make the bounds grow', async () => {
  const stream = streamFn(
    async function* (events) {
      await events.next()
      await never()
      yield 'never'
    },
    { buffer: 2, closeTimeout: 20 },
  ).open()
  const sends = numbers(100).map((n) => outcome(stream.send(n)))
  await turns()
  assert.equal(stream.metrics.eventsIn, 3)
  await within(1000, stream.close(), 'close')
  const all = await within(500, Promise.all(sends), 'the sends')
  const codes = all.map(({ error }) => error?.code)
  assert.equal(codes.filter((code) => code === undefined).length, 3)
  assert.equal(codes.filter((code) => code === 'VELO_CLOSED').length, 16)
  assert.equal(codes.filter((code) => code === 'VELO_OVERRUN').length, 81)
})

noUnhandledRejections('rule 4')
