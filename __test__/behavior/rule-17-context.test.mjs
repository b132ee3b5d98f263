// Rule 17: the AsyncLocalStorage of open(), run() or the call holds inside the function for every event, whoever sends or reads, and whatever ends it.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { deferred, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const storage = new AsyncLocalStorage()
const here = () => storage.getStore()
/** Everything the others do happens in a context of its own. */
const as = (who, what) => storage.run(who, what)

/** A function that notes its context wherever user code runs. `notes` are pairs of place and context. */
function noting(options = {}, between = () => {}) {
  const notes = []
  const note = (place) => notes.push([place, here()])
  const fn = streamFn(
    async function* (events, ctx) {
      note('start')
      ctx.signal.addEventListener('abort', () => note('signal'))
      try {
        for await (const event of events) {
          note(`event ${event}`)
          await between()
          note(`after its own await ${event}`)
          yield event
          note(`after yield ${event}`)
        }
        note('end of input')
        yield 'summary'
        note('after the summary')
      } catch (error) {
        note(`catch ${error.name}`)
        throw error
      } finally {
        note('finally')
        await between()
        note('end of finally')
      }
    },
    { idleTimeout: 0, ...options },
  )
  return { fn, notes }
}

/** Every note was made in `context`, and the notes of these places exist. */
function assertAll(notes, context, places) {
  assert.deepEqual(
    notes.filter(([, found]) => found !== context),
    [],
  )
  for (const place of places)
    assert.ok(
      notes.some(([name]) => name === place),
      `${place} was reached: ${notes.map(([name]) => name).join(', ')}`,
    )
}

const THROUGH = [
  'start',
  'event 1',
  'after its own await 1',
  'after yield 1',
  'event 3',
  'after yield 3',
  'end of input',
  'after the summary',
  'finally',
  'end of finally',
]

async function* slowly(events) {
  for (const event of events) {
    await new Promise(setImmediate)
    yield event
  }
}

const sources = {
  array: (events) => events,
  'sync iterable': (events) => new Set(events),
  'array of promises': (events) => events.map((event) => as('promise', () => Promise.resolve(event))),
  'async iterable': slowly,
  Readable: (events) => Readable.from(events),
  ReadableStream: (events) => ReadableStream.from?.(events) ?? Readable.toWeb(Readable.from(events)),
}

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

for (const [between, waits] of [
  ['', () => {}],
  [', with awaits of its own', () => new Promise(setImmediate)],
]) {
  describe(`pulled sources${between}`, () => {
    for (const [kind, make] of Object.entries(sources)) {
      test(`rule 17: run(${kind})`, async () => {
        const { fn, notes } = noting({}, waits)
        const running = as('runner', () => fn.run(make([1, 2, 3])))
        assert.deepEqual(await within(2000, running, 'run'), [1, 2, 3, 'summary'])
        assertAll(notes, 'runner', THROUGH)
      })

      test(`rule 17: fn(${kind}), iterated by somebody else`, async () => {
        const { fn, notes } = noting({}, waits)
        const results = as('caller', () => fn(make([1, 2, 3])))
        assert.deepEqual(
          await within(
            2000,
            as('reader', () => collect(results)),
            'the results',
          ),
          [1, 2, 3, 'summary'],
        )
        assertAll(notes, 'caller', THROUGH)
      })

      test(`rule 17: feed(${kind}) on a stream that another opened`, async () => {
        const { fn, notes } = noting({}, waits)
        const stream = as('opener', () => fn.open())
        const results = as('feeder', () => stream.feed(make([1, 2, 3])))
        assert.deepEqual(
          await within(
            2000,
            as('reader', () => collect(results)),
            'the results',
          ),
          [1, 2, 3, 'summary'],
        )
        assertAll(notes, 'opener', THROUGH)
      })
    }
  })

  describe(`live streams${between}`, () => {
    for (const buffer of [1, 256]) {
      test(`rule 17: sent by one, read by another (buffer ${buffer})`, async () => {
        const { fn, notes } = noting({ buffer }, waits)
        const stream = as('opener', () => fn.open())
        const sending = as('sender', async () => {
          for (const event of [1, 2, 3]) await stream.send(event)
          stream.end()
        })
        const reading = as('reader', () => collect(stream))
        assert.deepEqual(await within(2000, reading, 'the results'), [1, 2, 3, 'summary'])
        await within(1000, sending, 'the sends')
        assertAll(notes, 'opener', THROUGH)
      })

      test(`rule 17: sends in line, read one by one (buffer ${buffer})`, async () => {
        const { fn, notes } = noting({ buffer }, waits)
        const stream = as('opener', () => fn.open())
        const sends = [1, 2, 3].map((event) => as(`sender ${event}`, () => stream.send(event)))
        for (const event of [1, 2, 3])
          assert.equal(
            await within(
              1000,
              as(`reader ${event}`, () => stream.recv()),
              'recv',
            ),
            event,
          )
        await within(1000, Promise.all(sends), 'the sends')
        as('ender', () => stream.end())
        assert.equal(
          await within(
            1000,
            as('last reader', () => stream.recv()),
            'recv',
          ),
          'summary',
        )
        await within(1000, stream.closed, 'closed')
        assertAll(notes, 'opener', THROUGH)
      })

      test(`rule 17: batches and trySend (buffer ${buffer})`, async () => {
        const { fn, notes } = noting({ buffer }, waits)
        const stream = as('opener', () => fn.open())
        assert.equal(
          as('trier', () => stream.trySend(1)),
          true,
        )
        const sending = as('sender', () => stream.sendBatch([2, 3]).then(() => stream.end()))
        const results = []
        for (;;) {
          const batch = await within(
            1000,
            as('reader', () => stream.recvBatch(2)),
            'recvBatch',
          )
          if (batch.length === 0) break
          results.push(...batch)
        }
        await within(1000, sending, 'sendBatch')
        assert.deepEqual(results, [1, 2, 3, 'summary'])
        assertAll(notes, 'opener', THROUGH)
      })
    }

    test('rule 17: started by a read', async () => {
      const { fn, notes } = noting({}, waits)
      const stream = as('opener', () => fn.open())
      const reading = as('reader', () => stream.recv())
      await turns(2)
      assertAll(notes, 'opener', ['start'])
      as('sender', () => stream.send(1))
      assert.equal(await within(1000, reading, 'recv'), 1)
      await within(
        1000,
        as('closer', () => stream.close()),
        'close',
      )
      assertAll(notes, 'opener', ['start', 'event 1', 'finally', 'end of finally'])
    })

    test('rule 17: started by end()', async () => {
      const { fn, notes } = noting({}, waits)
      const stream = as('opener', () => fn.open())
      as('ender', () => stream.end())
      assert.equal(
        await within(
          1000,
          as('reader', () => stream.recv()),
          'recv',
        ),
        'summary',
      )
      await within(1000, stream.closed, 'closed')
      assertAll(notes, 'opener', ['start', 'end of input', 'finally', 'end of finally'])
    })

    test('rule 17: through toDuplex and toWeb', async () => {
      const { fn, notes } = noting({}, waits)
      const duplex = as('opener', () => fn.open()).toDuplex()
      as('writer', () => {
        for (const event of [1, 2, 3]) duplex.write(event)
        duplex.end()
      })
      assert.deepEqual(
        await within(
          2000,
          as('reader', () => collect(duplex)),
          'the duplex',
        ),
        [1, 2, 3, 'summary'],
      )
      const { readable, writable } = as('opener', () => fn.open()).toWeb()
      as('writer', async () => {
        const writer = writable.getWriter()
        for (const event of [1, 2, 3]) await writer.write(event)
        await writer.close()
      })
      assert.deepEqual(
        await within(
          2000,
          as('reader', () => collect(readable)),
          'the web streams',
        ),
        [1, 2, 3, 'summary'],
      )
      assertAll(notes, 'opener', THROUGH)
    })
  })

  describe(`ends${between}`, () => {
    test('rule 17: close() of another, while the function waits for an event', async () => {
      const { fn, notes } = noting({}, waits)
      const stream = as('opener', () => fn.open())
      await within(1000, stream.send(1), 'send')
      await within(1000, stream.recv(), 'recv')
      await turns(2)
      await within(
        1000,
        as('closer', () => stream.close()),
        'close',
      )
      assertAll(notes, 'opener', ['signal', 'end of input', 'finally', 'end of finally'])
    })

    test('rule 17: close() of another, while it is suspended at a yield', async () => {
      const { fn, notes } = noting({ buffer: 1 }, waits)
      const stream = as('opener', () => fn.open())
      for (let i = 0; i < 6; i++) as('sender', () => stream.send(i))
      await turns(8)
      await within(
        1000,
        as('closer', () => stream.close()),
        'close',
      )
      assertAll(notes, 'opener', ['signal', 'finally', 'end of finally'])
      assert.ok(!notes.some(([place]) => place === 'end of input'), 'it got return()')
    })

    test('rule 17: a break in a loop over a call', async () => {
      const { fn, notes } = noting({}, waits)
      const results = as('caller', () => fn(slowly([1, 2, 3])))
      await within(
        1000,
        as('reader', async () => {
          for await (const _ of results) break
        }),
        'the loop',
      )
      assertAll(notes, 'caller', ['start', 'event 1', 'signal', 'finally', 'end of finally'])
    })

    for (const how of ['abort()', 'signal']) {
      test(`rule 17: ${how} of another`, async () => {
        const { fn, notes } = noting({}, waits)
        const controller = new AbortController()
        const stream = as('opener', () => fn.open({ signal: controller.signal }))
        await within(1000, stream.send(1), 'send')
        await within(1000, stream.recv(), 'recv')
        await turns(2)
        as('aborter', () => (how === 'abort()' ? stream.abort() : controller.abort()))
        await within(1000, stream.closed, 'closed')
        assertAll(notes, 'opener', ['signal', 'catch AbortError', 'finally', 'end of finally'])
      })
    }

    test('rule 17: a signal that ends a run', async () => {
      const { fn, notes } = noting({}, waits)
      const controller = new AbortController()
      const gate = deferred()
      const running = as('runner', () =>
        outcome(
          fn.run(
            (async function* () {
              yield 1
              await gate.promise
            })(),
            { signal: controller.signal },
          ),
        ),
      )
      await until(1000, () => notes.some(([place]) => place === 'after yield 1'), 'the first event')
      await turns(2)
      as('aborter', () => controller.abort())
      assert.equal((await within(1000, running, 'run')).error.code, 'VELO_ABORTED')
      await until(1000, () => fn.metrics.streamsOpen === 0, 'the end')
      gate.resolve()
      assertAll(notes, 'runner', ['signal', 'catch AbortError', 'finally', 'end of finally'])
    })

    test('rule 17: idleness', async () => {
      const { fn, notes } = noting({ idleTimeout: 30 }, waits)
      const stream = as('opener', () => fn.open())
      as('sender', () => stream.send(1))
      assert.deepEqual(
        await within(
          5000,
          as('reader', () => collect(stream)),
          'the results',
        ),
        [1, 'summary'],
      )
      assertAll(notes, 'opener', ['end of input', 'after the summary', 'finally', 'end of finally'])
    })

    test('rule 17: idleness of a stream that never started', async () => {
      const { fn, notes } = noting({ idleTimeout: 30 }, waits)
      const stream = as('opener', () => fn.open())
      await within(5000, stream.closed, 'closed')
      assertAll(notes, 'opener', ['start', 'end of input', 'after the summary', 'finally', 'end of finally'])
    })

    test('rule 17: maxDuration', async () => {
      const { fn, notes } = noting({ maxDuration: 30 }, waits)
      const stream = as('opener', () => fn.open())
      as('sender', () => stream.send(1))
      await within(5000, stream.closed, 'closed')
      assertAll(notes, 'opener', ['signal', 'catch AbortError', 'finally', 'end of finally'])
    })

    test('rule 17: maxStall', async () => {
      const { fn, notes } = noting({ maxStall: 30 }, waits)
      const stream = as('opener', () => fn.open())
      as('sender', () => stream.send(1))
      await within(5000, stream.closed, 'closed')
      assertAll(notes, 'opener', ['signal', 'catch AbortError', 'finally', 'end of finally'])
    })

    test('rule 17: a source that throws', async () => {
      const { fn, notes } = noting({}, waits)
      const error = new Error('from the source')
      const source = async function* () {
        yield 1
        throw error
      }
      await assert.rejects(
        within(
          1000,
          as('runner', () => fn.run(source())),
          'run',
        ),
        (thrown) => thrown === error,
      )
      assertAll(notes, 'runner', ['catch Error', 'finally', 'end of finally'])
    })
  })

  describe(`elsewhere${between}`, () => {
    test('rule 17: every stage of a pipeline', async () => {
      const first = noting({}, waits)
      const second = noting({}, waits)
      const pipeline = first.fn.pipe(second.fn)
      assert.equal(
        (
          await within(
            2000,
            as('runner', () => pipeline.run([1, 3])),
            'run',
          )
        ).length,
        4,
      )
      assertAll(first.notes, 'runner', ['start', 'event 1', 'after yield 3', 'end of input', 'finally', 'end of finally'])
      assertAll(second.notes, 'runner', ['start', 'event 1', 'after yield 3', 'event summary', 'finally', 'end of finally'])
    })

    test('rule 17: every stage of a live pipeline, opened, sent to, read and closed by four', async () => {
      const first = noting({}, waits)
      const second = noting({}, waits)
      const stream = as('opener', () => first.fn.pipe(second.fn).open())
      as('sender', () => stream.send(1))
      assert.equal(
        await within(
          1000,
          as('reader', () => stream.recv()),
          'recv',
        ),
        1,
      )
      await turns(4)
      await within(
        1000,
        as('closer', () => stream.close()),
        'close',
      )
      assertAll(first.notes, 'opener', ['start', 'event 1', 'signal', 'finally', 'end of finally'])
      assertAll(second.notes, 'opener', ['start', 'event 1', 'signal', 'finally', 'end of finally'])
    })

    test('rule 17: a stream that waited in line', async () => {
      const { fn, notes } = noting({ maxConcurrent: 1, queue: 2 }, waits)
      const holder = as('holder', () => fn.open())
      const stream = as('opener', () => fn.open())
      const running = as('runner', () => fn.run([3]))
      as('sender', () => stream.send(1))
      const reading = as('reader', () => stream.recv())
      await within(
        1000,
        as('closer', () => holder.close()),
        'close',
      )
      assert.equal(await within(1000, reading, 'recv'), 1)
      await turns(2)
      assertAll(notes, 'opener', ['start', 'event 1'])
      notes.length = 0
      await within(
        1000,
        as('opener', () => stream.close()),
        'close',
      )
      assert.deepEqual(await within(1000, running, 'run'), [3, 'summary'])
      const from = notes.findIndex(([place]) => place === 'start')
      assertAll(notes.slice(from), 'runner', ['start', 'event 3', 'finally', 'end of finally'])
    })

    test('rule 17: an asynchronous schema', async () => {
      const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => as('schema', async () => ({ value })) } }
      const { fn, notes } = noting({ schema }, waits)
      const stream = as('opener', () => fn.open())
      const sending = as('sender', async () => {
        for (const event of [1, 2, 3]) await stream.send(event)
        stream.end()
      })
      assert.deepEqual(
        await within(
          2000,
          as('reader', () => collect(stream)),
          'the results',
        ),
        [1, 2, 3, 'summary'],
      )
      await sending
      assertAll(notes, 'opener', THROUGH)
    })

    test('rule 17: a hundred streams keep a hundred contexts apart', async () => {
      const fn = streamFn(
        async function* (events) {
          for await (const event of events) {
            await waits()
            yield `${event} in ${here()}`
          }
        },
        { idleTimeout: 0 },
      )
      const streams = Array.from({ length: 100 }, (_, i) => as(i, () => fn.open()))
      for (let round = 0; round < 5; round++) {
        await within(2000, Promise.all(streams.map((stream) => stream.send(round))), 'the sends')
        const results = await within(2000, Promise.all(streams.map((stream) => stream.recv())), 'the reads')
        for (const [i, result] of results.entries()) assert.equal(result, `${round} in ${i}`)
      }
      await within(2000, Promise.all(streams.map((stream) => stream.close())), 'close')
    })
  })
}

describe('outside the function', () => {
  test("rule 17: the caller keeps its own context after every await of the stream's promises", async () => {
    const { fn } = noting()
    const stream = as('opener', () => fn.open())
    const seen = []
    await within(
      5000,
      as('caller', async () => {
        const note = async (promise) => {
          await outcome(promise)
          seen.push(here())
        }
        await note(stream.send(1))
        await note(stream.recv())
        await note(stream.recv({ timeout: 20 }))
        const reading = stream.recv()
        as('sender', () => stream.send(2))
        await note(reading)
        await note(stream.close())
        await note(stream.closed)
        await note(fn.run([1]))
        for await (const _ of fn([1, 2])) seen.push(here())
      }),
      'the caller',
    )
    assert.deepEqual([...new Set(seen)], ['caller'])
  })
})

noUnhandledRejections('rule 17')
