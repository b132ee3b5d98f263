// What the Python library velo was seen to get wrong, one test each: the same program here does what its author meant.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ClosedError, OverloadedError, runtime, streamFn, TimeoutError, VeloError } from 'velo-stream'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const root = fileURLToPath(new URL('../../', import.meta.url))

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})
const total = streamFn(async function* total(events) {
  let sum = 0
  for await (const event of events) sum += event
  yield sum
})
const repeat = streamFn(async function* repeat(events) {
  for await (const { value, times } of events) for (let i = 0; i < times; i++) yield value * times + i
})

function* range(from, to) {
  for (let n = from; n < to; n++) yield n
}
const numbers = (count) => [...range(0, count)]

/** Every way to put an array through. */
const ways = {
  'run(array)': (fn, events) => fn.run(events),
  'run(generator)': (fn, events) => fn.run(events.values()),
  call: (fn, events) => collect(fn(events)),
  feed: (fn, events) => collect(fn.open().feed(events)),
  live: async (fn, events) => {
    const stream = fn.open()
    const send = async () => {
      for (const event of events) await stream.send(event)
      stream.end()
    }
    const [results] = await Promise.all([collect(stream), send()])
    return results
  },
  batches: async (fn, events) => {
    const stream = fn.open()
    const sent = stream.sendBatch(events).then(() => stream.end())
    const results = []
    for (let batch = await stream.recvBatch(64); batch.length > 0; batch = await stream.recvBatch(64)) results.push(...batch)
    await sent
    return results
  },
}

async function collect(results) {
  const list = []
  for await (const result of results) list.push(result)
  return list
}

function everyWay(name, check) {
  for (const [way, drive] of Object.entries(ways)) {
    test(`${name}: ${way}`, () =>
      within(
        4 * LIMIT,
        check((fn, events) => drive(fn, events)),
        way,
      ))
  }
}

describe('the end of the input', () => {
  everyWay('what is yielded after the loop is delivered', async (drive) => {
    assert.deepEqual(await drive(total, [1, 2, 3]), [6])
  })

  everyWay('the last, smaller batch is delivered', async (drive) => {
    const pairs = streamFn(async function* pairs(events) {
      let pair = []
      for await (const event of events) {
        if (pair.push(event) < 2) continue
        yield pair
        pair = []
      }
      if (pair.length > 0) yield pair
    })
    assert.deepEqual(await drive(pairs, [1, 2, 3, 4, 5]), [[1, 2], [3, 4], [5]])
  })

  everyWay('an empty input has an end too', async (drive) => {
    assert.deepEqual(await drive(total, []), [0])
  })

  test('a short run waits for no timer', async () => {
    let over = false
    const running = echo.run(numbers(5)).finally(() => {
      over = true
    })
    await turns(1)
    assert.ok(over)
    await running
  })
})

describe('nothing is lost when the function yields more than it takes', () => {
  for (const times of [300, 1000, 10_000]) {
    everyWay(`one event, ${times} results`, async (drive) => {
      const results = await drive(repeat, [{ value: 0, times }])
      assert.deepEqual(results, numbers(times))
    })
  }

  everyWay('5000 events, two results each', async (drive) => {
    const results = await drive(
      repeat,
      numbers(5000).map((value) => ({ value, times: 2 })),
    )
    assert.deepEqual(results, numbers(10_000))
  })

  test('a run of 100 000 events is complete', async () => {
    const results = await within(4 * LIMIT, echo.run(range(0, 100_000)), 'run')
    assert.equal(results.length, 100_000)
    assert.ok(results.every((result, index) => result === index))
  })

  test('a consumer that reads late gets everything, and the senders wait for it', async () => {
    const stream = echo.with({ buffer: 16 }).open()
    let accepted = 0
    const sending = (async () => {
      for (const n of range(0, 1000)) {
        await stream.send(n)
        accepted++
      }
      stream.end()
    })()
    await turns(10)
    // Waiting in both channels, in the hands of the function, and nothing else.
    assert.ok(accepted <= 16 + 16 + 1, `${accepted} sends were accepted and nobody read`)
    const { eventsOut } = stream.metrics
    assert.ok(eventsOut <= 16, `${eventsOut} results wait`)
    assert.deepEqual(await within(LIMIT, collect(stream), 'reading'), numbers(1000))
    await sending
  })

  test('the option `buffer` is what it says', async () => {
    const busy = streamFn(
      async function* busy(events) {
        await events.next()
        await never()
        yield
      },
      { buffer: 4, closeTimeout: 1 },
    )
    const stream = busy.open()
    const accepted = numbers(10).filter((n) => stream.trySend(n))
    assert.deepEqual(accepted, [0, 1, 2, 3, 4], 'one in the hands of the function, four wait')
    await stream.close()
  })
})

describe('time decides nothing', () => {
  /** Passes `ms` by a timer of the library itself: a stream that nobody sends to ends. */
  const clock = (ms) => echo.with({ idleTimeout: ms }).open().recvBatch(1)

  test('a function slower than any timer loses nothing', async () => {
    const slow = streamFn(
      async function* slow(events) {
        for await (const event of events) {
          await clock(60)
          yield event
        }
        await clock(60)
        yield 'end'
      },
      { idleTimeout: 20 },
    )
    assert.deepEqual(await within(LIMIT, slow.run([1, 2]), 'run'), [1, 2, 'end'])
    const stream = slow.open()
    await stream.sendBatch([1, 2])
    stream.end()
    assert.deepEqual(await within(LIMIT, collect(stream), 'live'), [1, 2, 'end'])
  })

  test('a recv has no limit of its own, and a filtered event does not end it', async () => {
    const odd = streamFn(async function* odd(events) {
      for await (const event of events) if (event % 2 === 1) yield event
    })
    const stream = odd.open()
    const reading = stream.recv()
    await stream.send(2)
    assert.ok(await isPending(reading))
    assert.equal(stream.state, 'open')
    await stream.send(3)
    assert.equal(await within(LIMIT, reading, 'recv'), 3)
    await stream.close()
  })

  test('idleTimeout is not a dead option: it ends the input, and the summary is delivered', async () => {
    const stream = total.with({ idleTimeout: 30 }).open()
    await stream.sendBatch([1, 2])
    assert.deepEqual(await within(LIMIT, collect(stream), 'idleness'), [3])
    assert.equal((await stream.closed).reason, 'idle')
  })

  test('recv({ timeout }) says that it was a timeout, and the stream lives', async () => {
    const stream = echo.open()
    const { error } = await within(LIMIT, outcome(stream.recv({ timeout: 20 })), 'recv')
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.code, 'VELO_TIMEOUT')
    assert.equal(stream.state, 'open')
    await stream.send(1)
    assert.equal(await stream.recv(), 1)
    await stream.close()
  })
})

describe('errors', () => {
  class Pair extends Error {
    constructor(left, right) {
      super(`${left} and ${right}`)
      this.pair = [left, right]
    }
  }
  const thrown = {
    Error: new Error('plain'),
    TypeError: new TypeError('type'),
    RangeError: new RangeError('range'),
    SyntaxError: new SyntaxError('syntax'),
    AggregateError: new AggregateError([new Error('inner')], 'many'),
    'a class with two arguments': new Pair(1, 2),
    'one named AbortError': Object.assign(new Error('not ours'), { name: 'AbortError', code: 'ABORT_ERR' }),
    'one that looks like ours': Object.assign(new Error('not ours'), { name: 'ClosedError', code: 'VELO_CLOSED' }),
    'one that cannot be copied': Object.assign(new Error('holds a function'), { fn: () => {} }),
    'an error of ours': new VeloError('VELO_BUG', 'thrown by a user'),
    'a string': 'text',
    undefined,
    null: null,
    'a frozen object': Object.freeze({}),
  }

  for (const [name, error] of Object.entries(thrown)) {
    for (const at of [0, 2, 5]) {
      test(`${name}, thrown at event ${at} of 6, arrives as it is, after the results before it, once`, async () => {
        const failing = streamFn(async function* failing(events) {
          for await (const event of events) {
            if (event === at) throw error
            yield event
          }
        })
        const ran = await within(LIMIT, outcome(failing.run(range(0, 6))), 'run')
        assert.ok('error' in ran && Object.is(ran.error, error), 'run')

        for (const results of [failing(numbers(6)), failing.open().feed(numbers(6))]) {
          const list = []
          let got
          for (;;) {
            const next = await within(LIMIT, outcome(results.next()), 'next')
            got = next
            if ('error' in next || next.value.done) break
            list.push(next.value.value)
          }
          assert.deepEqual(list, numbers(at))
          assert.ok('error' in got && Object.is(got.error, error))
          assert.deepEqual(await within(LIMIT, results.next(), 'next after the error'), { value: undefined, done: true })
        }
      })
    }
  }

  test('after an error the stream does not look open: sends and reads are refused at once, with the error as cause', async () => {
    const error = new Error('over')
    const stream = streamFn(async function* failing(events) {
      for await (const _ of events) throw error
      yield
    }).open()
    await stream.send(1)
    await turns()
    assert.equal(stream.state, 'closed')
    assert.equal(stream.trySend(2), false)
    for (const refused of [stream.send(3), stream.sendBatch([4])]) {
      const got = await within(LIMIT, outcome(refused), 'send')
      assert.ok(got.error instanceof ClosedError)
      assert.deepEqual([got.error.code, got.error.cause, got.error.retryable], ['VELO_CLOSED', error, false])
    }
    assert.equal((await within(LIMIT, outcome(stream.recv()), 'recv')).error, error)
    const after = await within(LIMIT, outcome(stream.recv()), 'recv')
    assert.deepEqual([after.error.code, after.error.cause], ['VELO_CLOSED', error])
  })

  test('the error comes however full the output is', async () => {
    const error = new Error('after many results')
    const failing = streamFn(
      async function* failing() {
        yield* range(0, 500)
        throw error
      },
      { buffer: 2 },
    )
    const stream = failing.open()
    const list = []
    const reading = (async () => {
      for await (const result of stream) list.push(result)
    })()
    assert.equal((await within(LIMIT, outcome(reading), 'reading')).error, error)
    assert.deepEqual(list, numbers(500))
  })

  const failingSources = {
    generator: function* (error) {
      yield 1
      throw error
    },
    asyncGenerator: async function* (error) {
      yield 1
      throw error
    },
    'next() that throws': (error) => {
      let n = 0
      const next = () => {
        if (n++ > 0) throw error
        return { value: 1, done: false }
      }
      return { [Symbol.iterator]: () => ({ next }) }
    },
    'next() that rejects': (error) => {
      let n = 0
      const next = async () => {
        if (n++ > 0) throw error
        return { value: 1, done: false }
      }
      return { [Symbol.asyncIterator]: () => ({ next }) }
    },
    'a promise that rejects': (error) => {
      const rejected = Promise.reject(error)
      rejected.catch(() => {})
      return [1, rejected]
    },
  }
  for (const [kind, make] of Object.entries(failingSources)) {
    test(`a source that throws is no success: ${kind}`, async () => {
      const error = new Error('the source')
      assert.equal((await within(LIMIT, outcome(echo.run(make(error))), 'run')).error, error)
      for (const results of [echo(make(error)), echo.open().feed(make(error))]) {
        assert.deepEqual(await within(LIMIT, results.next(), 'next'), { value: 1, done: false })
        assert.equal((await within(LIMIT, outcome(results.next()), 'the error')).error, error)
        assert.deepEqual(await within(LIMIT, results.next(), 'the end'), { value: undefined, done: true })
      }
    })
  }

  for (const source of [5, null, undefined, true, {}, () => {}, Symbol('s'), 5n, Promise.resolve([1])]) {
    test(`run, feed and a call refuse ${String(source)}`, async () => {
      const refused = (error) => {
        assert.ok(error instanceof VeloError)
        assert.equal(error.code, 'VELO_CONFIG')
        assert.match(error.message, /\(source\): expected .+, got .+/)
        return true
      }
      await assert.rejects(within(LIMIT, echo.run(source), 'run'), refused)
      assert.throws(() => echo(source), refused)
      const stream = echo.open()
      assert.throws(() => stream.feed(source), refused)
      await stream.send(1)
      assert.equal(await stream.recv(), 1)
      await stream.close()
    })
  }
})

describe('definitions', () => {
  const wrong = {
    'an async function': async () => {},
    'a sync generator': function* () {},
    'a function': () => {},
    'a class': class {},
    'an async iterable': (async function* () {})(),
    'a number': 5,
    nothing: undefined,
    'options alone': { buffer: 1 },
  }
  for (const [name, fn] of Object.entries(wrong)) {
    test(`${name} is refused when it is defined, not when it is used`, () => {
      assert.throws(() => streamFn(fn), { code: 'VELO_CONFIG', message: /streamFn\(fn\): expected an async generator function/ })
      assert.throws(() => echo.pipe(fn), { code: 'VELO_CONFIG' })
    })
  }

  test('a generator without parameters is fine', async () => {
    const three = streamFn(async function* () {
      yield* [1, 2, 3]
    })
    assert.deepEqual(await three.run([]), [1, 2, 3])
  })

  const options = [
    { buffer: 0 },
    { buffer: -1 },
    { buffer: 1.7 },
    { buffer: '4' },
    { buffer: Number.NaN },
    { idleTimeout: -1 },
    { idleTimeout: 'x' },
    { maxConcurrent: -1 },
    { maxConcurrent: 0 },
    { maxConcurrent: 2 ** 53 },
    { queue: -1 },
    { closeTimeout: 0 },
    { name: '' },
    { placement: 'moon' },
    { max_concurrent: 5 },
    { timeout: 5 },
  ]
  for (const option of options) {
    test(`${JSON.stringify(option)} is refused with its path, its value and what was expected`, () => {
      const [name, value] = Object.entries(option)[0]
      const refused = (error) => {
        assert.equal(error.code, 'VELO_CONFIG')
        assert.match(error.field, new RegExp(`\\.${name}$`))
        assert.ok(
          error.message.includes(name) && error.message.includes('expected') && error.message.includes(String(value)),
          error.message,
        )
        return true
      }
      assert.throws(() => streamFn(async function* () {}, option), refused)
      assert.throws(() => echo.with(option), refused)
    })
  }
})

describe('limits', () => {
  test('maxConcurrent belongs to one function, not to all with equal options', async () => {
    const [first, second] = [echo.with({ maxConcurrent: 1 }), echo.with({ maxConcurrent: 1 })]
    const open = [first.open(), second.open()]
    assert.throws(
      () => first.open(),
      (error) => error instanceof OverloadedError && error.code === 'VELO_OVERLOADED' && error.retryable,
    )
    await open[0].close()
    open.push(first.open())
    await Promise.all(open.map((stream) => stream.close()))
  })

  test('whoever would rather wait than be refused, waits', async () => {
    const fn = echo.with({ maxConcurrent: 1, queue: 1 })
    const first = fn.open()
    const second = fn.open()
    assert.equal(second.state, 'waiting')
    assert.throws(() => fn.open(), OverloadedError)
    const answer = second.recv()
    const sent = second.send('late')
    assert.ok(await isPending(answer))
    await first.close()
    await within(LIMIT, sent, 'send')
    assert.equal(await within(LIMIT, answer, 'recv'), 'late')
    await second.close()
  })

  test('run takes its place too, and gives it back', async () => {
    const fn = echo.with({ maxConcurrent: 1 })
    for (let i = 0; i < 5; i++) assert.deepEqual(await fn.run([i]), [i])
    const gate = deferred()
    const running = fn.run([gate.promise])
    await assert.rejects(fn.run([1]), OverloadedError)
    gate.resolve('go')
    assert.deepEqual(await running, ['go'])
  })
})

describe('reads and sends that are given up', () => {
  for (const way of ['signal', 'timeout']) {
    test(`a recv given up by ${way} takes nothing with it`, async () => {
      const stream = echo.open()
      const stop = new AbortController()
      const given = outcome(stream.recv(way === 'signal' ? { signal: stop.signal } : { timeout: 1 }))
      const waits = stream.recv()
      stop.abort()
      assert.equal((await within(LIMIT, given, 'the read given up')).error.code, way === 'signal' ? 'VELO_ABORTED' : 'VELO_TIMEOUT')
      await stream.sendBatch(['A', 'B'])
      assert.equal(await within(LIMIT, waits, 'recv'), 'A')
      assert.equal(await stream.recv(), 'B')
      await stream.close()
    })
  }

  test('a hundred reads given up in any order lose nothing', async () => {
    const stream = echo.open()
    const stops = numbers(100).map(() => new AbortController())
    const reads = stops.map(({ signal }) => outcome(stream.recv({ signal })))
    const gone = numbers(100).filter((n) => (n * 7) % 3 !== 0)
    for (const n of gone.toReversed()) stops[n].abort()
    await stream.sendBatch(numbers(100 - gone.length))
    const got = await within(LIMIT, Promise.all(reads), 'the reads')
    assert.deepEqual(
      got.filter((one) => 'value' in one).map((one) => one.value),
      numbers(100 - gone.length),
    )
    assert.equal(got.filter((one) => one.error?.code === 'VELO_ABORTED').length, gone.length)
    await stream.close()
  })

  test('a send given up is not delivered', async () => {
    const gate = deferred()
    const fn = streamFn(
      async function* gated(events) {
        await gate.promise
        for await (const event of events) yield event
      },
      { buffer: 1 },
    )
    const stream = fn.open()
    await stream.send('first')
    const stop = new AbortController()
    const given = outcome(stream.send('given up', { signal: stop.signal }))
    const kept = stream.send('kept')
    stop.abort()
    assert.equal((await given).error.code, 'VELO_ABORTED')
    gate.resolve()
    await within(LIMIT, kept, 'send').then(() => stream.end())
    assert.deepEqual(await within(LIMIT, collect(stream), 'reading'), ['first', 'kept'])
  })
})

describe('who leaves early', () => {
  test('a function that returns early ends the run at once and gives the source back', async () => {
    let pulled = 0
    let returned = 0
    const endless = {
      [Symbol.iterator]: () => ({
        next: () => ({ value: pulled++, done: false }),
        return: () => {
          returned++
          return { value: undefined, done: true }
        },
      }),
    }
    const two = streamFn(async function* two(events) {
      let n = 0
      for await (const event of events) {
        yield event
        if (++n === 2) return
      }
    })
    assert.deepEqual(await within(LIMIT, two.run(endless), 'run'), [0, 1])
    assert.ok(pulled <= 3, `${pulled} pulled`)
    assert.equal(returned, 1)

    const stream = two.with({ buffer: 1 }).open()
    const sends = numbers(10).map((n) => outcome(stream.send(n)))
    assert.deepEqual(await within(LIMIT, collect(stream), 'reading'), [0, 1])
    const refused = (await within(LIMIT, Promise.all(sends), 'the sends')).filter((one) => 'error' in one)
    assert.ok(refused.length > 0 && refused.every(({ error }) => error.code === 'VELO_CLOSED'))
  })

  for (const [way, start] of Object.entries({ call: (fn, source) => fn(source), feed: (fn, source) => fn.open().feed(source) })) {
    test(`a break out of a ${way} stops the source within what is buffered, and gives it back once`, async () => {
      let pulled = 0
      let finished = 0
      async function* source() {
        try {
          for (;;) yield pulled++
        } finally {
          finished++
        }
      }
      const fn = echo.with({ buffer: 8 })
      const seen = []
      for await (const result of start(fn, source())) if (seen.push(result) === 3) break
      await turns()
      const after = pulled
      await turns()
      assert.equal(pulled, after, 'nothing is pulled after the break')
      assert.deepEqual(seen, [0, 1, 2])
      assert.ok(pulled <= (way === 'call' ? 3 : 3 + 8 + 8 + 2), `${pulled} pulled`)
      assert.equal(finished, 1)
      assert.equal(fn.metrics.streamsOpen, 0)
    })
  }

  test('closing with events under way does the same every time', async () => {
    const once = async (busy) => {
      const left = []
      const gate = deferred()
      const fn = streamFn(
        async function* worker(events) {
          try {
            for await (const event of events) {
              if (busy === 'awaiting') await gate.promise
              if (busy !== 'waiting') yield event
            }
            left.push('saw the end')
          } finally {
            left.push('finally')
          }
        },
        { buffer: 2 },
      )
      const stream = fn.open()
      const sends = numbers(busy === 'waiting' ? 1 : 12).map((n) => outcome(stream.send(n)))
      await turns()
      const closing = stream.close()
      gate.resolve()
      await within(LIMIT, closing, 'close')
      const codes = (await Promise.all(sends)).map((one) => one.error?.code ?? 'accepted')
      const { reason, dropped, detached } = await stream.closed
      return { left, codes, reason, dropped, detached, eventsIn: stream.metrics.eventsIn }
    }
    for (const busy of ['waiting', 'yielding', 'awaiting']) {
      const first = await once(busy)
      assert.equal(first.reason, 'closed')
      assert.equal(first.left.at(-1), 'finally')
      assert.equal(first.left.includes('saw the end'), busy === 'waiting')
      for (let i = 0; i < 20; i++) assert.deepEqual(await once(busy), first, busy)
    }
  })

  test('after close a read and a send say that the stream is closed', async () => {
    const stream = echo.open()
    await stream.close()
    for (const refused of [stream.recv(), stream.send(1)]) {
      const { error } = await within(LIMIT, outcome(refused), 'a refusal')
      assert.deepEqual([error.code, error.reason, error.streamId], ['VELO_CLOSED', 'closed', stream.id])
    }
  })
})

describe('many at once', () => {
  test('a hundred sends that nobody awaited keep their order', async () => {
    const stream = echo.open()
    const sends = Promise.all(numbers(100).map((n) => stream.send(n)))
    const reads = await within(LIMIT, Promise.all(numbers(100).map(() => stream.recv())), 'the reads')
    await sends
    assert.deepEqual(reads, numbers(100))
    await stream.close()
  })

  test('two readers share the results, oldest read first', async () => {
    const stream = echo.open()
    const [left, right] = [[], []]
    const read = async (into) => {
      for (let i = 0; i < 50; i++) into.push(await stream.recv())
    }
    await within(LIMIT, Promise.all([read(left), read(right), stream.sendBatch(numbers(100))]), 'the readers')
    assert.deepEqual(
      [...left, ...right].sort((a, b) => a - b),
      numbers(100),
    )
    assert.deepEqual(
      left,
      left.toSorted((a, b) => a - b),
    )
    await stream.close()
  })

  for (const parked of [6, 1000]) {
    test(`${parked} parked readers do not slow another stream`, async () => {
      const others = numbers(parked).map(() => echo.with({ maxConcurrent: 2000 }).open())
      const reads = others.map((stream) => outcome(stream.recv()))
      await turns()
      const stream = echo.open()
      let answered = false
      const ping = (async () => {
        for (let i = 0; i < 10; i++) {
          await stream.send(i)
          assert.equal(await stream.recv(), i)
        }
        answered = true
      })()
      await turns(1)
      assert.ok(answered, 'ten round trips take one turn')
      await ping
      await Promise.all([...others, stream].map((one) => one.close()))
      assert.ok((await Promise.all(reads)).every(({ error }) => error.code === 'VELO_CLOSED'))
    })
  }

  test('a stream that fails or hangs touches no other', async () => {
    const fn = streamFn(
      async function* moody(events) {
        for await (const event of events) {
          if (event === 'fail') throw new Error('mine alone')
          if (event === 'hang') await never()
          yield event
        }
      },
      { closeTimeout: 1 },
    )
    const [good, bad, stuck] = [fn.open(), fn.open(), fn.open()]
    await Promise.all([bad.send('fail'), stuck.send('hang'), good.send('fine')])
    assert.equal(await within(LIMIT, good.recv(), 'recv'), 'fine')
    assert.equal((await bad.closed).reason, 'failed')
    await within(LIMIT, stuck.close(), 'close')
    assert.equal((await stuck.closed).detached, true)
    await good.send('still fine')
    assert.equal(await good.recv(), 'still fine')
    await good.close()
  })
})

describe('events are what they were', () => {
  test('a payload may begin with any byte, as bytes and as text', async () => {
    const payloads = numbers(256).flatMap((byte) => {
      const bytes = Uint8Array.of(byte, 0x80, 0x04, 0x95, 0x2e)
      const buffer = Buffer.from(bytes)
      return [bytes, buffer, bytes.buffer, buffer.toString('latin1'), String.fromCharCode(byte)]
    })
    const copy = () => payloads.map((one) => (typeof one === 'string' ? one : Buffer.from(one).toString('hex'))).join()
    const before = copy()
    for (const drive of Object.values(ways)) {
      const results = await within(LIMIT, drive(echo, payloads), 'the payloads')
      assert.equal(results.length, payloads.length)
      for (const [index, result] of results.entries()) assert.ok(Object.is(result, payloads[index]), `payload ${index} is the very same`)
    }
    assert.ok(copy() === before, 'and untouched')
  })

  everyWay('bytes stay bytes, empty text stays text, and nothing is converted', async (drive) => {
    const values = [
      Buffer.from('text that is utf-8'),
      new Uint8Array(0),
      '',
      '\u0001',
      '\u0002',
      '0',
      0,
      -0,
      Number.NaN,
      5n,
      true,
      false,
      [1, [2]],
      { 1: 2 },
      new Map([[1, 2]]),
      new Set([1]),
      new Date(0),
      /x/g,
      Symbol('s'),
      Object.freeze({}),
      Object.create(null),
    ]
    const results = await drive(echo, values)
    assert.equal(results.length, values.length)
    for (const [index, result] of results.entries()) assert.ok(Object.is(result, values[index]), `value ${index}`)
  })

  everyWay('errors, results of iteration and other things that mean something elsewhere are data', async (drive) => {
    const values = [
      new Error('data'),
      new VeloError('VELO_CLOSED', 'data'),
      { done: true, value: 1 },
      { value: undefined, done: true },
      Symbol.iterator,
      { error: new Error('data') },
      { code: 'VELO_CLOSED' },
    ]
    const results = await drive(echo, values)
    assert.equal(results.length, values.length)
    for (const [index, result] of results.entries()) assert.ok(Object.is(result, values[index]), `value ${index}`)
  })

  everyWay('what cannot be copied passes', async (drive) => {
    const cyclic = {}
    cyclic.self = cyclic
    const values = [() => 'called', class {}, new WeakMap(), cyclic, new Proxy({}, {}), new AbortController(), process.stdout, globalThis]
    const results = await drive(echo, values)
    assert.ok(results.every((result, index) => result === values[index]))
    assert.equal(results[0](), 'called')
  })

  test('a large frame is not copied', async () => {
    const frame = Buffer.alloc(57_600, 7)
    const invert = streamFn(async function* invert(frames) {
      for await (const one of frames) {
        one[0] = 9
        yield one
      }
    })
    const [same] = await invert.run([frame])
    assert.equal(same, frame)
    assert.equal(frame[0], 9)
  })
})

describe('what was missing', () => {
  test('nothing is printed, on any path', () => {
    const program = `
      import { runtime, streamFn } from 'velo-stream'
      const fn = streamFn(async function* (events) { for await (const event of events) yield event }, { maxConcurrent: 4, idleTimeout: 20 })
      await fn.run([1, 2, 3])
      for await (const one of fn([1, 2, 3])) void one
      const stream = fn.open()
      await stream.send(1)
      await stream.recv()
      await stream.recvBatch(1)
      const failing = fn.pipe(async function* (events) { for await (const event of events) throw new Error('quiet') })
      await failing.run([1]).catch(() => {})
      const aborted = fn.open()
      aborted.abort(new Error('quiet'))
      aborted.send(2)
      fn.open().close()
      for (let i = 0; i < 2000; i++) await fn.run([i])
      const signal = new AbortController().signal
      for (let i = 0; i < 2000; i++) await fn.run([i], { signal })
      await runtime.drain({ deadline: 100 })
    `
    const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined, RUST_LOG: 'trace', DEBUG: '*' }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--trace-warnings', '--input-type=module', '-e', program], {
      cwd: root,
      env,
      encoding: 'utf8',
      timeout: 4 * LIMIT,
    })
    assert.deepEqual([status, stdout, stderr], [0, '', ''])
  })

  test('a function can be called, a stream can be iterated', async () => {
    assert.deepEqual(await collect(echo([1, 2])), [1, 2])
    const stream = echo.open()
    await stream.sendBatch([1, 2])
    stream.end()
    assert.deepEqual(await collect(stream), [1, 2])
  })

  test('a stream knows its id, its name and its headers, and a signal that tells its end', async () => {
    const told = deferred()
    const fn = streamFn(async function* session(events, ctx) {
      told.resolve(ctx)
      for await (const event of events) yield [ctx.headers.user, event]
    })
    const stream = fn.open({ id: 'session-7', headers: { user: 'ann' } })
    await stream.send('hello')
    assert.deepEqual(await stream.recv(), ['ann', 'hello'])
    const ctx = await told.promise
    assert.deepEqual([ctx.id, ctx.name, ctx.signal.aborted], ['session-7', 'session', false])
    const fired = once(ctx.signal, 'abort')
    await stream.close()
    await within(LIMIT, fired, 'the signal')
  })

  test('latencies are measured', async () => {
    const fn = echo.with({ name: 'measured' })
    await fn.run(numbers(1000))
    const { latency, eventsIn, eventsOut, streamsOpened } = fn.metrics
    assert.deepEqual([eventsIn, eventsOut, streamsOpened], [1000, 1000, 1])
    assert.ok(latency.samples >= 10, `${latency.samples} samples`)
    assert.ok(latency.p50 >= 0 && latency.p50 <= latency.p95 && latency.p95 <= latency.p99)
    assert.ok(runtime.snapshot().functions.some(({ name }) => name === 'measured'))
  })

  test('whoever opens and closes a thousand streams finds the process as it was', async () => {
    const before = runtime.snapshot()
    for (let i = 0; i < 1000; i++) {
      const stream = echo.open()
      await stream.send(i)
      assert.equal(await stream.recv(), i)
      await stream.close()
    }
    const after = runtime.snapshot()
    assert.deepEqual(
      [after.streamsOpen, after.streamsWaiting, after.streamsDetached],
      [before.streamsOpen, before.streamsWaiting, before.streamsDetached],
    )
    assert.equal(after.streamsOpened, before.streamsOpened + 1000)
  })
})

noUnhandledRejections('rule 16')
