// Threads that die: one that is stuck in a loop is killed once it has failed to answer, one may exit, crash or run out of memory. Its streams fail with
// VELO_WORKER_EXITED, nobody else notices, a fresh thread takes its place, and no permit is lost.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn, VeloError } from 'velo-stream'
import { child, output } from '../support/child.mjs'
import { asyncSource } from '../support/counted.mjs'
import { outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raised } from './functions/flags.mjs'
import { prelude } from './functions/prelude.mjs'

runtime.configure({ workers: 2 })

const soon = (promise, what) => within(5_000, promise, what)
const ECHO = { do: 'echo', value: 'here' }
const EXIT = { do: 'exit', code: 3 }
const obey = (options) =>
  streamFn(new URL('functions/obey.mjs', import.meta.url), { placement: 'worker', export: 'obey', idleTimeout: 0, ...options })
const threads = () => runtime.snapshot().workers.map(({ thread }) => thread)

async function answer(stream, order) {
  await soon(stream.send(order), 'send')
  return soon(stream.recv(), 'recv')
}

/** `count` streams of a function, each on a thread that runs. */
async function opened(fn, count) {
  const streams = Array.from({ length: count }, () => fn.open())
  for (const stream of streams) assert.equal(await answer(stream, ECHO), 'here')
  return streams
}

function assertExited(error, stream, message = /./) {
  assert.ok(error instanceof VeloError, `${error}`)
  assert.equal(error.code, 'VELO_WORKER_EXITED')
  assert.equal(error.retryable, true)
  assert.match(error.message, message)
  if (stream) assert.equal(error.streamId, stream.id)
}

/** As many threads as may be run again, and they work. */
async function assertFresh(dead) {
  await until(5_000, () => !threads().includes(dead), 'the dead thread is forgotten')
  await soon(runtime.warm(), 'warm')
  assert.equal(threads().length, 2)
  const fn = obey()
  await Promise.all((await opened(fn, 4)).map((stream) => soon(stream.close(), 'close')))
  assert.deepEqual([fn.metrics.streamsOpen, fn.metrics.streamsDetached], [0, 0])
}

/** Streams on both threads; then the thread of the first dies of `order`. Those beside it fail, the others live. */
async function dies(order, message, { closeTimeout = 5_000, how = () => {} } = {}) {
  const row = flags()
  const culprits = obey({ context: () => row, closeTimeout })
  const neighbors = obey()
  const culprit = culprits.open()
  await answer(culprit, ECHO)
  const all = await opened(neighbors, 6)
  const dead = culprit.metrics.thread
  const beside = all.filter((stream) => stream.metrics.thread === dead)
  const elsewhere = all.filter((stream) => stream.metrics.thread !== dead)
  assert.ok(beside.length > 0 && elsewhere.length > 0)
  const reads = beside.map((stream) => outcome(stream.recv()))
  await soon(culprit.send(order), 'the order')
  await how(culprit, row)
  for (const [i, { error }] of (await within(8_000, Promise.all(reads), 'the reads beside it')).entries())
    assertExited(error, beside[i], message)
  for (const stream of beside) {
    const end = await soon(stream.closed, 'closed')
    assert.equal(end.reason, 'failed')
    assertExited(end.error, stream)
    assert.equal(end.detached, false)
    assert.deepEqual(end.dropped, { events: 0, results: 0 })
    assert.equal((await soon(outcome(stream.send(ECHO)), 'a later send')).error.code, 'VELO_CLOSED')
  }
  for (const stream of elsewhere) assert.equal(await answer(stream, ECHO), 'here')
  const end = await soon(culprit.closed, 'the end of the culprit')
  assert.deepEqual([culprits.metrics.streamsOpen, neighbors.metrics.streamsOpen], [0, elsewhere.length])
  await until(5_000, () => culprits.metrics.streamsDetached === 0, 'nothing is detached')
  await Promise.all(elsewhere.map((stream) => soon(stream.close(), 'close')))
  await assertFresh(dead)
  return { end, culprit }
}

describe('a thread that dies', () => {
  test('a busy loop: detached after closeTimeout, then the thread is killed', async () => {
    let took
    const { end } = await dies({ do: 'loop' }, /did not answer within 100 ms/, {
      closeTimeout: 100,
      async how(culprit, row) {
        await soon(raised(row, Flag.Begun), 'the loop')
        const start = performance.now()
        await soon(culprit.close(), 'close')
        took = performance.now() - start
      },
    })
    assert.ok(took >= 100, `${took} ms`)
    assert.deepEqual(end, { reason: 'closed', dropped: { events: 0, results: 0 }, refused: 0, detached: true })
  })

  test('a busy loop that is aborted', async () => {
    const { end } = await dies({ do: 'loop' }, /did not answer/, {
      closeTimeout: 100,
      async how(culprit, row) {
        await soon(raised(row, Flag.Begun), 'the loop')
        culprit.abort('enough')
      },
    })
    assert.deepEqual([end.reason, end.detached], ['aborted', true])
  })

  for (const [name, order, message, cause] of [
    ['process.exit()', EXIT, /exited with code 3/, undefined],
    ['process.exit(0)', { do: 'exit', code: 0 }, /exited with code 0/, undefined],
    // A server tells its clients the message of ours, and not that of a function.
    ['an uncaught exception', { do: 'crash', message: 'on purpose' }, /exited with code 1$/, 'on purpose'],
    ['an unhandled rejection', { do: 'reject', message: 'on purpose' }, /exited with code 1$/, 'on purpose'],
  ]) {
    test(name, async () => {
      const { end, culprit } = await dies(order, message)
      assert.equal(end.reason, 'failed')
      assertExited(end.error, culprit, message)
      assert.equal(end.error.cause?.message, cause)
      assert.deepEqual(end.dropped, { events: 0, results: 0 })
    })
  }

  test('out of memory under resourceLimits', async () => {
    const body = `
      runtime.configure({ workers: { max: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } } })
      const fn = obey()
      const neighbor = fn.open()
      await ask(neighbor, { do: 'thread' })
      const [dead] = threads()
      const reading = outcome(neighbor.recv())
      const { error } = await within(15000, outcome(fn.run([{ do: 'eat' }])), 'the run')
      say(error.code, error.retryable, error.cause?.code)
      say((await within(1000, reading, 'the neighbor')).error.code, fn.metrics.streamsOpen)
      say((await fn.run([{ do: 'thread' }]))[0] !== dead)`
    const { code, stdout } = await child(`${prelude}${body}`, { ms: 25_000 })
    assert.deepEqual(
      { code, stdout },
      { code: 0, stdout: 'VELO_WORKER_EXITED true ERR_WORKER_OUT_OF_MEMORY\nVELO_WORKER_EXITED 0\ntrue\n' },
    )
  })

  test('a module that exits as it is loaded', async () => {
    const fn = streamFn(new URL('functions/exits-at-load.mjs', import.meta.url), { placement: 'worker' })
    for (let i = 0; i < 3; i++) assertExited((await soon(outcome(fn.run([1])), 'run')).error, undefined, /exited with code 9/)
    assert.equal(fn.metrics.streamsOpen, 0)
    await soon(runtime.warm(), 'warm')
    assert.equal(threads().length, 2)
  })

  test('no exception of a thread reaches the process', async () => {
    const body = `
      process.on('uncaughtException', () => say('uncaught')); process.on('unhandledRejection', () => say('unhandled'))
      for (const order of [{ do: 'crash', message: 'on purpose' }, { do: 'reject', message: 'on purpose' }, { do: 'exit', code: 1 }]) {
        const stream = obey().open(); stream.send(order); say((await within(5000, stream.closed, 'closed')).error.code)
        obey().open().send(order); await turns(20)
      }`
    assert.equal(
      await output(`${prelude}${body}; await until(5000, () => runtime.snapshot().streamsOpen === 0, 'all ended')`),
      Array(3).fill('VELO_WORKER_EXITED').join('\n'),
    )
  })
})

describe('a thread that is stuck as soon as it runs', () => {
  test('is ended, too: that it has started is no sign of life', async () => {
    const ended = await output(
      `import { runtime, streamFn } from 'velo-stream'
      const of = (source, options) => streamFn('data:text/javascript,' + encodeURIComponent(source), { placement: 'worker', idleTimeout: 0, ...options })
      runtime.configure({ workers: 2 })
      const other = of('export default async function* (events) { for await (const event of events) yield event }').open()
      await other.send(1)
      await other.recv()
      while (Number.isNaN(runtime.snapshot().workers[0].startMs)) await new Promise(setImmediate)
      // Given up, and asked for a sign of life, while its thread starts; an answer is due when it has started.
      const closeTimeout = Math.max(1, Math.floor(runtime.snapshot().workers[0].startMs * 0.7))
      const stream = of('for (;;); export default async function* () {}', { closeTimeout }).open()
      await stream.send(1)
      const { thread } = stream.metrics
      stream.abort()
      await stream.closed
      const start = performance.now()
      while (runtime.snapshot().workers.some((worker) => worker.thread === thread) && performance.now() - start < 10_000) await new Promise(setImmediate)
      console.log(runtime.snapshot().workers.some((worker) => worker.thread === thread) ? 'it runs for ever' : 'ended')`,
    )
    assert.equal(ended, 'ended')
  })
})

describe('whoever waits is told at once', () => {
  const waits = {
    run: (fn) => fn.run([ECHO, EXIT, ECHO]),
    'run of a source that is silent': (fn) =>
      fn.run(
        (async function* () {
          yield EXIT
          await new Promise(() => {})
        })(),
      ),
    'next of a call': async (fn) => {
      for await (const _ of fn([ECHO, EXIT]));
    },
    'next of a feed': async (fn) => {
      for await (const _ of fn.open().feed(asyncSource([ECHO, EXIT])));
    },
    'for await': async (fn) => {
      const stream = fn.open()
      stream.send(EXIT)
      for await (const _ of stream);
    },
    recvBatch: async (fn) => {
      const stream = fn.open()
      stream.send(EXIT)
      while ((await stream.recvBatch(10)).length > 0);
    },
    'recv with a timeout': (fn) => {
      const stream = fn.open()
      stream.send(EXIT)
      return stream.recv({ timeout: 60_000 })
    },
    'close in progress': (fn) => {
      const stream = fn.open()
      stream.send({ do: 'exit', code: 3 })
      return stream.recv().catch((error) => stream.close().then(() => Promise.reject(error)))
    },
  }
  for (const [name, wait] of Object.entries(waits)) {
    test(name, async () => {
      const fn = obey()
      assertExited((await soon(outcome(wait(fn)), name)).error, undefined, /exited with code 3/)
      await until(5_000, () => fn.metrics.streamsOpen === 0, 'the permit')
    })
  }

  test('sends that wait reject, with the cause', async () => {
    const fn = obey({ buffer: 1 })
    const stream = fn.open()
    const sends = [{ do: 'exit', code: 3 }, ...Array(6).fill(ECHO)].map((order) => outcome(stream.send(order)))
    const all = await soon(Promise.all(sends), 'the sends')
    const refused = all.filter(({ error }) => error !== undefined)
    assert.ok(refused.length >= 4, `${refused.length}`)
    for (const { error } of refused) assert.deepEqual([error.code, error.cause.code], ['VELO_CLOSED', 'VELO_WORKER_EXITED'])
    const { dropped } = await soon(stream.closed, 'closed')
    assert.equal(stream.metrics.eventsIn, all.length - refused.length)
    assert.ok(dropped.events <= stream.metrics.eventsIn - 1)
  })

  test('a close that waits for the function settles as the thread dies', async () => {
    const row = flags()
    const fn = streamFn(new URL('functions/relay.mjs', import.meta.url), { placement: 'worker', export: 'exiting', context: () => row })
    const stream = fn.open()
    assert.equal(await answer(stream, 1), 1)
    const got = await soon(outcome(stream.close()), 'close')
    if (got.error !== undefined) assertExited(got.error, stream)
    const end = await soon(stream.closed, 'closed')
    assert.equal(end.detached, false)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('a source is returned once', async () => {
    const source = asyncSource([ECHO, EXIT, ...Array(1000).fill(ECHO)])
    assertExited((await soon(outcome(obey({ buffer: 4 }).run(source)), 'run')).error)
    assert.equal(source.returns, 1)
    assert.ok(source.pulls < 20, `${source.pulls}`)
  })
})

describe('what had come across before', () => {
  test('is delivered first, then the error once', async () => {
    const stream = obey().open()
    await soon(stream.sendBatch([ECHO, ECHO, ECHO]), 'the batch')
    await until(5_000, () => stream.metrics.eventsOut === 3, 'three results')
    await soon(stream.send(EXIT), 'send')
    await soon(stream.closed, 'closed')
    for (let i = 0; i < 3; i++) assert.equal(await soon(stream.recv(), 'recv'), 'here')
    assertExited((await soon(outcome(stream.recv()), 'recv')).error, stream)
    assert.equal((await soon(outcome(stream.recv()), 'recv')).error.code, 'VELO_CLOSED')
  })

  test('accepted = delivered + dropped', async () => {
    const row = flags()
    const stream = obey({ context: () => row }).open()
    await soon(stream.sendBatch([ECHO, ECHO, EXIT, ...Array(50).fill(ECHO)]), 'the batch')
    const { dropped } = await soon(stream.closed, 'closed')
    assert.equal(stream.metrics.eventsIn, 53)
    assert.equal(dropped.events, 53 - Atomics.load(row, Flag.Given))
  })
})

describe('pipelines', () => {
  test('the stage whose thread died is named, and the others leave', async () => {
    const rows = [flags(), flags(), flags()]
    const stage = (i) => obey({ name: `stage ${i}`, context: () => rows[i] })
    async function* local(events) {
      for await (const event of events) yield event
    }
    const pipeline = stage(0)
      .pipe(local)
      .pipe(obey({ name: 'stage 2' }))
    const stream = pipeline.open()
    await soon(stream.send({ do: 'echo', value: EXIT }), 'send')
    assertExited((await soon(outcome(stream.recv()), 'recv')).error, stream, /exited with code 3/)
    const end = await soon(stream.closed, 'closed')
    assert.equal(end.stage, 'stage 2')
    assert.equal(pipeline.metrics.streamsOpen, 0)
    await soon(raised(rows[0], Flag.Left), 'the first stage has left')
  })

  test('a stage in the middle of spliced stages', async () => {
    const relay = streamFn(new URL('functions/relay.mjs', import.meta.url), { placement: 'worker' })
    for (const pipeline of [relay.pipe(obey()), obey().pipe(relay), relay.pipe(obey()).pipe(relay)]) {
      assertExited((await soon(outcome(pipeline.run([EXIT])), pipeline.name)).error, undefined, /exited with code 3/)
      const stream = pipeline.open()
      stream.send(EXIT)
      assertExited((await soon(outcome(stream.recv()), pipeline.name)).error, stream, /exited with code 3/)
      await soon(stream.closed, 'closed')
      await until(5_000, () => pipeline.metrics.streamsOpen === 0, 'the permit')
      assert.equal(pipeline.metrics.streamsDetached, 0)
    }
  })
})

noUnhandledRejections('threads that die')
