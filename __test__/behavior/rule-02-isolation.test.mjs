// Rule 2: a stream's failure, slowness or abort touches no other stream.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OverloadedError, streamFn, VeloError } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
}

/** A stream of `sum` that answers. */
async function answers(stream, event, expected, what) {
  await within(2000, stream.send(event), `${what}: send`)
  assert.equal(await within(2000, stream.recv(), `${what}: recv`), expected)
}

describePaths(
  'isolation on every path',
  (path, test) => {
    test('rule 2: fifty at once keep fifty states apart', async () => {
      const fn = path.define(async function* (events) {
        const seen = []
        for await (const event of events) {
          seen.push(event)
          if (event % 7 === 0) await new Promise(setImmediate)
          yield seen.length
        }
      })
      const all = await Promise.all(numbers(50).map((n) => path.drive(fn, numbers(20 + n))))
      for (const [n, { results, failure }] of all.entries()) {
        assert.equal(failure, null)
        assert.deepEqual(
          results,
          numbers(20 + n).map((i) => i + 1),
        )
      }
    })

    test('rule 2: those that fail do not touch those that do not', async () => {
      const error = new Error('one of three')
      const fn = path.define(async function* (events) {
        for await (const event of events) {
          if (event === 'bad') throw error
          yield event
        }
      })
      const good = numbers(60)
      const bad = [...numbers(30), 'bad', ...numbers(30)]
      const all = await Promise.all(numbers(30).map((n) => path.drive(fn, n % 3 === 0 ? bad : good)))
      for (const [n, { results, failure }] of all.entries()) {
        if (n % 3 === 0) {
          assert.equal(failure?.error, error)
        } else {
          assert.equal(failure, null)
          assert.deepEqual(results, good)
        }
      }
    })
  },
  { plain: true },
)

test('rule 2: a function stuck in its own await holds up nobody else', async () => {
  const fn = streamFn(async function* (events, ctx) {
    for await (const event of events) {
      if (ctx.headers.stuck) await never()
      yield event
    }
  })
  const stuck = numbers(20).map(() => fn.with({ closeTimeout: 20 }).open({ headers: { stuck: 'yes' } }))
  for (const stream of stuck) await within(500, stream.send(1), 'a send to a stuck one')
  const good = fn.open()
  for (let i = 0; i < 50; i++) await answers(good, i, i, 'the good one')
  await good.close()
  for (const stream of stuck) stream.abort()
  for (const stream of stuck) assert.equal((await within(2000, stream.closed, 'closed')).detached, true)
})

test('rule 2: a full output that nobody reads holds up nobody else', async () => {
  const fn = streamFn(sum, { buffer: 2 })
  const slow = fn.open()
  const sends = numbers(10).map((n) => outcome(slow.send(n)))
  await turns()
  const quick = fn.open()
  let total = 0
  for (let i = 0; i < 200; i++) await answers(quick, i, (total += i), 'the quick one')
  await slow.close()
  await quick.close()
  await within(1000, Promise.all(sends), 'the sends that waited')
})

test('rule 2: an abort reaches one stream only', async () => {
  const signals = []
  const fn = streamFn(async function* (events, ctx) {
    signals.push(ctx.signal)
    for await (const event of events) yield event
  })
  const streams = numbers(5).map(() => fn.open())
  for (const stream of streams) await answers(stream, 1, 1, 'before')
  streams[2].abort(new Error('only this one'))
  assert.equal((await within(1000, streams[2].closed, 'closed')).reason, 'aborted')
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [false, false, true, false, false],
  )
  for (const n of [0, 1, 3, 4]) {
    await answers(streams[n], 2, 2, `stream ${n}`)
    assert.equal(streams[n].state, 'open')
    await streams[n].close()
    assert.equal((await streams[n].closed).reason, 'closed')
  }
})

test('rule 2: a signal aborts the streams it was given to, and no others', async () => {
  const controller = new AbortController()
  const fn = streamFn(sum)
  const streams = numbers(8).map((n) => fn.open(n % 2 === 0 ? { signal: controller.signal } : {}))
  for (const stream of streams) await answers(stream, 1, 1, 'before')
  controller.abort()
  for (const [n, stream] of streams.entries()) {
    if (n % 2 === 0) {
      assert.equal((await within(1000, stream.closed, `stream ${n}`)).reason, 'aborted')
    } else {
      await answers(stream, 4, 5, `stream ${n}`)
      await stream.close()
    }
  }
})

test('rule 2: a close that takes long holds up nobody else', async () => {
  const gate = deferred()
  const fn = streamFn(async function* (events, ctx) {
    try {
      for await (const event of events) yield event
    } finally {
      if (ctx.headers.slow) await gate.promise
    }
  })
  const slow = fn.open({ headers: { slow: 'yes' } })
  await answers(slow, 1, 1, 'the slow one')
  const closing = slow.close()
  const other = fn.open()
  await answers(other, 1, 1, 'the other one')
  await within(500, other.close(), 'the close of the other one')
  assert.ok(await isPending(closing))
  gate.resolve()
  await within(500, closing, 'the slow close')
})

test('rule 2: an event that its schema refuses touches nothing but its own send', async () => {
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] }),
    },
  }
  const stream = streamFn(sum, { schema }).open()
  const sends = [stream.send(1), outcome(stream.send('two')), stream.send(3)]
  const { error } = await within(1000, sends[1], 'the refused send')
  assert.ok(error instanceof VeloError)
  assert.equal(error.code, 'VELO_EVENT')
  assert.equal(error.issues[0].message, 'not a number')
  await within(1000, Promise.all(sends), 'the sends')
  assert.equal(await within(1000, stream.recv(), 'first'), 1)
  assert.equal(await within(1000, stream.recv(), 'second'), 4)
  assert.throws(() => stream.trySend('five'), { code: 'VELO_EVENT' })
  await answers(stream, 6, 10, 'after')
  assert.equal(stream.metrics.eventsIn, 3)
  await stream.close()
})

test('rule 2: a schema that throws or rejects fails its own send only', async () => {
  const broken = new Error('broken schema')
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        if (value === 'throws') throw broken
        return value === 'rejects' ? Promise.reject(broken) : { value }
      },
    },
  }
  const stream = streamFn(sum, { schema }).open()
  for (const event of ['throws', 'rejects']) {
    const { error } = await within(1000, outcome(stream.send(event)), event)
    assert.ok(error === broken || error?.cause === broken, event)
  }
  await answers(stream, 2, 2, 'after')
  await stream.close()
})

test('rule 2: the failure of one run does not touch another over the same function', async () => {
  const error = new Error('third')
  const fn = streamFn(async function* (events) {
    for await (const event of events) {
      if (event === 'bad') throw error
      await new Promise(setImmediate)
      yield event
    }
  })
  const good = fn.run(numbers(20))
  const bad = outcome(fn.run(asyncSource([1, 'bad', 2])))
  assert.equal((await within(1000, bad, 'the bad run')).error, error)
  assert.deepEqual(await within(2000, good, 'the good run'), numbers(20))
})

test('rule 2: two functions with equal options share neither limit nor metrics', async () => {
  const options = { name: 'same name', maxConcurrent: 1, buffer: 4 }
  const one = streamFn(sum, options)
  const two = streamFn(sum, options)
  const three = one.with({ maxConcurrent: 1 })
  const streams = [one.open(), two.open(), three.open()]
  for (const fn of [one, two, three]) assert.throws(() => fn.open(), OverloadedError)
  await answers(streams[0], 3, 3, 'the first')
  assert.deepEqual(
    [one, two, three].map((fn) => fn.metrics.eventsIn),
    [1, 0, 0],
  )
  assert.deepEqual(
    [one, two, three].map((fn) => fn.metrics.streamsOpen),
    [1, 1, 1],
  )
  for (const stream of streams) await stream.close()
})

test('rule 2: a thousand idle streams do not slow down one that works', async () => {
  const fn = streamFn(sum, { maxConcurrent: 2000 })
  const idle = numbers(1000).map(() => fn.open())
  for (const stream of idle) stream.trySend(1)
  await turns()
  const busy = fn.open()
  let total = 0
  for (let i = 0; i < 1000; i++) {
    await busy.send(i)
    assert.equal(await busy.recv(), (total += i))
  }
  for (const [n, stream] of idle.entries()) assert.equal(await within(1000, stream.recv(), `idle ${n}`), 1)
  await Promise.all([busy, ...idle].map((stream) => stream.close()))
  assert.equal(fn.metrics.streamsOpen, 0)
})

test('rule 2: a function that yields for ever while it closes does not starve the others', async (t) => {
  let stop = false
  t.after(() => {
    stop = true
  })
  const bad = streamFn(
    async function* (events) {
      try {
        for await (const event of events) yield event
      } finally {
        while (!stop) yield 'more'
      }
    },
    { closeTimeout: 50, buffer: 1 },
  )
  const good = streamFn(sum).open()
  const stream = bad.open()
  // Unread results keep it suspended at a yield.
  for (let i = 0; i < 2; i++) await within(500, stream.send(i), `send ${i}`)
  await turns()
  const closing = stream.close()
  for (let i = 1; i <= 20; i++) await answers(good, 1, i, 'the good one')
  await within(2000, closing, 'the close')
  const end = await within(500, stream.closed, 'closed')
  assert.equal(end.detached, true)
  for (let i = 21; i <= 40; i++) await answers(good, 1, i, 'the good one')
  stop = true
  await good.close()
})

noUnhandledRejections('rule 2')
