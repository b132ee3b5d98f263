// A thread that does not answer: what has not begun there goes elsewhere, at most one thread beside the others is started for that, and a function that computes
// without a pause learns at once that it is not wanted. Each case is a process of its own, because a process has one pool.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { output } from '../support/child.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raised } from './functions/flags.mjs'
import { prelude } from './functions/prelude.mjs'

const concurrency = 2
const soon = (promise, what) => within(5_000, promise, what)

/** Far more than it takes, and less than closeTimeout. */
const IN_TIME = 3_000

async function says(body, expected) {
  assert.equal(await output(`${prelude}\n${body}`, { ms: 20_000 }), expected)
}

const ECHO = new URL('functions/echo.mjs', import.meta.url).href

/** One thread, on which `stuck` computes until its flag `Go` is up, and is not wanted any more. */
const STUCK = `
  runtime.configure({ workers: 1 })
  const row = flags()
  const stuck = obey({ context: () => row }).open()
  await stuck.send({ do: 'compute' })
  await within(5000, raised(row, Flag.Begun), 'it computes')
  const first = threads()[0]
  const free = () => { row[Flag.Go] = 1 }
`

describe('streams that have not begun', { concurrency }, () => {
  test('go to another thread, with all that was sent', () =>
    says(
      `${STUCK}
      const waiting = Array.from({ length: 20 }, () => obey().open())
      const batch = [...Array.from({ length: 30 }, (_, n) => ({ do: 'echo', value: { n, list: [n] } })), { do: 'thread' }]
      for (const stream of waiting) { await stream.sendBatch(batch); stream.end() }
      const fed = [obey().run(batch), (async () => { const all = []; for await (const one of obey()(batch)) all.push(one); return all })(),
        obey().pipe(obey()).run([{ do: 'echo', value: { do: 'thread' } }])]
      const read = waiting.map(async (stream) => { const all = []; for await (const one of stream) all.push(one); return all })
      stuck.abort()
      const results = await within(${IN_TIME}, Promise.all([...read, ...fed]), 'the results')
      const pipeline = results.pop()
      for (const result of results) {
        if (result.length !== 31 || result.some((one, n) => n < 30 && (one.n !== n || one.list[0] !== n))) say('wrong', JSON.stringify(result))
        if (result[30] === first) say('on the stuck thread')
      }
      say(pipeline[0] !== first, threads().length)
      const { dropped, reason } = await waiting[0].closed
      say(reason, dropped.events, dropped.results, waiting[0].metrics.eventsIn, waiting[0].metrics.eventsOut)
      free()`,
      'true 2\ndone 0 0 31 31',
    ))

  test('go with the error of their source, and with a codec of their own', () =>
    says(
      `${STUCK}
      const echo = streamFn('${ECHO}', { placement: 'worker', codec: (await import('${ECHO}')).codec })
      const stream = echo.open()
      await stream.sendBatch([1, 2, 3])
      const failing = obey().run((async function* () { yield { do: 'echo', value: 1 }; throw new Error('of the source') })())
      const told = failing.catch((error) => error.message)
      stuck.abort()
      say(JSON.stringify([await within(${IN_TIME}, stream.recv(), 'recv'), await stream.recv(), await stream.recv()]), await within(${IN_TIME}, told, 'run'))
      free(); await stream.close()`,
      '[1,2,3] of the source',
    ))

  test('stay where buffers were moved with them, and work when the thread goes on', () =>
    says(
      `${STUCK}
      const moved = obey({ transfer: true }).open()
      await moved.send({ do: 'echo', value: new Uint8Array(100).fill(7) })
      const other = obey().open()
      await other.send({ do: 'echo', value: 1 })
      stuck.abort()
      say(await within(${IN_TIME}, other.recv(), 'recv'))
      free()
      const result = await within(${IN_TIME}, moved.recv(), 'what stayed')
      say(result.length, result[99], moved.metrics.thread === first)
      await Promise.all([moved.close(), other.close()])`,
      '1\n100 7 true',
    ))

  test('new ones, too; and one thread is started beside those there may be, not more', () =>
    says(
      `${STUCK}
      stuck.abort()
      await until(${IN_TIME}, () => { const s = obey().open(); s.send({ do: 'echo' }); s.recv().then(() => s.close(), () => {}); return threads().length === 2 }, 'one more')
      const second = { row: flags() }
      second.stream = obey({ context: () => second.row }).open()
      await second.stream.send({ do: 'compute' })
      await within(${IN_TIME}, raised(second.row, Flag.Begun), 'the second computes')
      second.stream.abort()
      const late = Array.from({ length: 5 }, () => obey().open())
      for (const stream of late) await stream.send({ do: 'echo', value: 'late' })
      say((await outcome(late[0].recv({ timeout: 600 }))).error.code)
      say(threads().length)
      free()
      for (const stream of late) say(await within(${IN_TIME}, stream.recv(), 'recv'))
      second.row[Flag.Go] = 1
      say(threads().length)`,
      'VELO_TIMEOUT\n2\nlate\nlate\nlate\nlate\nlate\n2',
    ))

  test('a thread that is only slow is not ended', () =>
    says(
      `${STUCK}
      stuck.abort()
      const other = obey().open()
      await other.send({ do: 'thread' })
      say((await within(${IN_TIME}, other.recv(), 'recv')) !== first)
      free()
      await until(${IN_TIME}, () => stuck.state === 'closed', 'closed')
      const streams = Array.from({ length: 4 }, () => obey().open())
      const seen = new Set()
      for (const stream of streams) { await stream.send({ do: 'thread' }); seen.add(await within(${IN_TIME}, stream.recv(), 'recv')) }
      say(seen.has(first), (await stuck.closed).detached)`,
      'true\ntrue false',
    ))
})

describe('a thread that hangs before anybody closes a stream there', { concurrency }, () => {
  const SIXTY = `
    const sixty = async (options, value) => {
      const streams = Array.from({ length: 60 }, () => obey(options).open())
      const answers = await Promise.all(streams.map(async (stream) => {
        await stream.send({ do: 'echo', value: value?.() })
        await stream.send({ do: 'thread' })
        await within(10_000, stream.recv(), 'the first result')
        return within(10_000, stream.recv(), 'the second result')
      }))
      await Promise.all(streams.map((stream) => stream.close()))
      return answers
    }`

  test('gets no new streams, and those it had got go to another one', () =>
    says(
      `${STUCK}${SIXTY}
      // The only thread there is: they wait there until it is known to hang.
      say((await sixty()).includes(first), threads().length)
      // Buffers that were moved cannot be sent elsewhere.
      const moved = () => new Uint8Array(100)
      for (let run = 0; run < 3; run++) say((await sixty({ transfer: true }, moved)).includes(first), threads().length)
      free(); await stuck.close()`,
      'false 2\nfalse 2\nfalse 2\nfalse 2',
    ))

  test('one of several', () =>
    says(
      `${STUCK}${SIXTY}
      runtime.configure({ workers: 3 })
      for (let run = 0; run < 3; run++) say((await sixty()).includes(first))
      free(); await stuck.close()`,
      'false\nfalse\nfalse',
    ))

  test('every one that there may be: that is told once, and the streams wait', () =>
    says(
      `${STUCK}
      const warnings = []
      process.removeAllListeners('warning').on('warning', (warning) => warnings.push(warning))
      const second = { row: flags() }
      second.stream = obey({ context: () => second.row }).open()
      await second.stream.send({ do: 'compute' })
      await within(10_000, raised(second.row, Flag.Begun), 'the second computes')
      await until(10_000, () => { const s = obey().open(); s.send({ do: 'echo' }); s.recv().catch(() => {}); s.abort(); return warnings.length > 0 }, 'a warning')
      const late = obey().open()
      await late.send({ do: 'echo', value: 'late' })
      say(warnings.length, warnings[0].code, /none of the 2 worker threads answers/.test(warnings[0].message))
      free(); second.row[Flag.Go] = 1
      say(await within(10_000, late.recv(), 'recv'))
      await Promise.all([stuck.close(), second.stream.close(), late.close()])`,
      '1 velo:workers-hung true\nlate',
    ))

  test('is one like the others when it answers again', () =>
    says(
      `${STUCK}${SIXTY}
      await sixty()
      free(); await stuck.close()
      const seen = new Set()
      for (let n = 0; n < 8 && !seen.has(first); n++) {
        const streams = Array.from({ length: 4 }, () => obey().open())
        for (const stream of streams) seen.add((await ask(stream, { do: 'thread' }))[0])
        await Promise.all(streams.map((stream) => stream.close()))
      }
      say(seen.has(first))`,
      'true',
    ))
})

describePlacements('ctx.aborted', (place) => {
  test('says what the signal says', async () => {
    const probe = place.probe()
    const fn = place(
      async function* (events, ctx) {
        probe.saw([ctx.aborted, ctx.signal.aborted])
        try {
          for await (const event of events) yield event
        } finally {
          probe.saw([ctx.aborted, ctx.signal.aborted])
        }
      },
      {},
      { probe },
    )
    for (const [end, expected] of [
      [(stream) => stream.close(), true],
      [(stream) => stream.abort(), true],
      [(stream) => stream.end(), false],
    ]) {
      const stream = fn.open()
      stream.recv().catch(() => {})
      assert.deepEqual(await soon(probe.next(), 'its start'), [false, false])
      await end(stream)
      assert.deepEqual(await soon(probe.next(), 'its end'), [expected, expected])
      await soon(stream.closed, 'closed')
    }
  })
})

describe('a function that computes without a pause', () => {
  const fn = (row, options) =>
    streamFn(new URL('functions/obey.mjs', import.meta.url), { placement: 'worker', context: () => row, idleTimeout: 0, ...options })
  const ends = {
    close: (stream) => stream.close(),
    abort: (stream) => stream.abort('why'),
    maxDuration: () => {},
  }
  for (const [how, end] of Object.entries(ends)) {
    for (const stages of [1, 2]) {
      test(`learns of ${how} in ctx.aborted, stage ${stages} of ${stages}`, async () => {
        runtime.configure({ workers: 2 })
        const row = flags()
        const options = how === 'maxDuration' ? { maxDuration: 100 } : {}
        const heeds = fn(row, options)
        const made =
          stages === 1
            ? heeds
            : streamFn(new URL('functions/relay.mjs', import.meta.url), { placement: 'worker' })
                .pipe(heeds)
                .with({ context: () => row, ...options })
        const stream = made.open()
        await soon(stream.send({ do: 'heed' }), 'send')
        await soon(raised(row, Flag.Begun), 'it computes')
        void end(stream)
        await soon(raised(row, Flag.Left), 'its finally')
        assert.equal(Atomics.load(row, Flag.Right), 1)
        assert.equal((await soon(stream.closed, 'closed')).detached, false)
      })
    }
  }
})

noUnhandledRejections('threads that are stuck')
