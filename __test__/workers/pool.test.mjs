// The pool of worker threads: how many there are, when they start and end, which one a stream gets, what they are made with, and how long they
// keep a process. Every case is a process of its own, because a process has one pool.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { choose } from '../../target/js/workers/caller/pool.js'
import { child, output } from '../support/child.mjs'
import { prelude } from './functions/prelude.mjs'

const concurrency = 2

/** Far less than any timer that could hold the process: a pool rests for 10 s. */
const AT_ONCE = 8_000

const THREAD = `{ do: 'thread' }`

async function says(body, expected, { ms = AT_ONCE, flags } = {}) {
  assert.equal(await output(`${prelude}\n${body}`, { ms, flags }), expected)
}

describe('which one', () => {
  const load = (streams, busy) => ({ streams, busy })

  test('one without streams is used before another is started', () => {
    assert.equal(choose([], 2), -1)
    assert.equal(choose([load(0, 0)], 2), 0)
    assert.equal(choose([load(1, 0)], 2), -1)
    assert.equal(choose([load(1, 0)], 1), 0)
  })

  test('streams are spread, busy threads spared, and ten quiet streams weigh less than one that computes', () => {
    assert.equal(choose([load(2, 0.1), load(1, 0.1)], 2), 1)
    assert.equal(choose([load(3, 0.1), load(3, 0.1)], 2), 0)
    assert.equal(choose([load(10, 0), load(1, 1)], 2), 0)
  })
})

describe('how many, and when', { concurrency }, () => {
  test('none starts before there is something to do', () =>
    says(
      `runtime.configure({ workers: 2 })
      const fn = obey().with({ buffer: 1 })
      const stream = fn.open()
      fn([])
      await turns()
      say('at first', threads().length)
      await ask(stream, ${THREAD})
      say('then', threads().length)
      await stream.close()`,
      'at first 0\nthen 1',
    ))

  test('as many as there are cores less one, unless it is said', () =>
    says(
      `await runtime.warm()
      say(threads().length === Math.max(1, availableParallelism() - 1), new Set(threads()).size === threads().length)`,
      'true true',
    ))

  test('workers: n and { max: n }, and no more than that for more streams', async () => {
    for (const workers of ['3', '{ max: 3 }']) {
      await says(
        `runtime.configure({ workers: ${workers} })
        const streams = []
        for (let i = 0; i < 7; i++) { const stream = obey().open(); streams.push(stream); await ask(stream, ${THREAD}) }
        say(new Set(streams.slice(0, 3).map((stream) => stream.metrics.thread)).size)
        const counts = runtime.snapshot().workers.map((worker) => worker.streams)
        say(counts.length, counts.every((count) => count > 0), counts.reduce((a, b) => a + b))`,
        '3\n3 true 7',
      )
    }
  })

  test('a higher limit later gives further streams further threads', () =>
    says(
      `runtime.configure({ workers: 1 })
      const streams = [obey().open(), obey().open()]
      for (const stream of streams) await ask(stream, ${THREAD})
      say(threads().length)
      runtime.configure({ workers: 2 })
      const third = obey().open()
      await ask(third, ${THREAD})
      say(threads().length, threads().indexOf(third.metrics.thread))`,
      '1\n2 1',
    ))

  test('warm() starts all of them, once; their start is measured', () =>
    says(
      `runtime.configure({ workers: 2 })
      const warming = runtime.warm()
      say(runtime.snapshot().workers.map(({ startMs }) => startMs))
      await warming
      const first = runtime.snapshot().workers
      await Promise.all([runtime.warm(), runtime.warm()])
      say(threads().join() === first.map(({ thread }) => thread).join(), first.every(({ startMs }) => startMs > 1 && startMs < 30000))
      say(await obey().run([${THREAD}]) > 0, threads().length)`,
      'NaN,NaN\ntrue true\ntrue 2',
    ))

  test('warm() says when they cannot start', () =>
    says(
      `runtime.configure({ workers: { max: 2, execArgv: ['--require', './no-such-file.cjs'] } })
      const { error } = await within(5000, outcome(runtime.warm()), 'warm')
      await until(5000, () => threads().length === 0, 'no thread')
      say(error?.code, error?.retryable)`,
      'VELO_WORKER_EXITED true',
    ))

  test('a stream whose thread cannot start fails, and so does the next', () =>
    says(
      `runtime.configure({ workers: { max: 1, execArgv: ['--require', './no-such-file.cjs'] } })
      const fn = obey()
      for (let i = 0; i < 3; i++) say((await within(5000, outcome(fn.run([${THREAD}])), 'run')).error?.code)
      say(fn.metrics.streamsOpen, fn.metrics.closedBy.failed)`,
      'VELO_WORKER_EXITED\nVELO_WORKER_EXITED\nVELO_WORKER_EXITED\n0 3',
    ))

  test('they end when nobody needs them, and come again', () =>
    says(
      `runtime.configure({ workers: { max: 2, idleTimeout: 300 } })
      const before = (await Promise.all([obey().run([${THREAD}]), obey().run([${THREAD}])])).flat()
      await until(5000, () => threads().length === 0, 'no thread')
      const [thread] = await obey().run([${THREAD}])
      say(new Set(before).size, passed(300), before.includes(thread), threads().length)`,
      '2 true false 1',
    ))

  test('an open stream holds its thread; the last min stay', () =>
    says(
      `runtime.configure({ workers: { min: 1, max: 3, idleTimeout: 30 } })
      const held = obey().open()
      const [mine] = await ask(held, ${THREAD})
      await runtime.warm()
      await Promise.all([1, 2].map(() => obey().run([${THREAD}])))
      await until(5000, () => threads().length === 1, 'one thread')
      say(threads()[0] === mine, await ask(held, ${THREAD}) == mine)
      await held.close()
      const other = obey({ idleTimeout: 100 }).open()
      await other.recv().catch(() => {})
      say(threads()[0] === mine, threads().length)`,
      'true true\ntrue 1',
    ))

  test('threads that were only warmed up end, too', () =>
    says(
      `runtime.configure({ workers: { max: 2, idleTimeout: 30 } })
      await runtime.warm()
      await until(5000, () => threads().length === 0, 'no thread')
      say('gone')`,
      'gone',
    ))

  test('each isolate has a pool of its own', () =>
    says(
      `await obey().run([${THREAD}])
      const worker = new Worker(\`
        Promise.all([import('velo-stream'), import('node:worker_threads')]).then(async ([{ runtime, streamFn }, { parentPort, threadId }]) => {
          const before = runtime.snapshot().workers.length
          const fn = streamFn('\${new URL(import.meta.resolve('velo-stream')).href.replace('dist/index.mjs', '__test__/workers/functions/obey.mjs')}', { placement: 'worker' })
          const [thread] = await fn.run([{ do: 'thread' }])
          parentPort.postMessage([before, thread !== threadId, runtime.snapshot().workers.length])
        })\`, { eval: true, execArgv: [] })
      const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      say(answer, threads().length)`,
      '0,true,1 1',
    ))
})

describe('which thread', { concurrency }, () => {
  test('a stream stays on its thread, however the others come and go', () =>
    says(
      `runtime.configure({ workers: 3 })
      await runtime.warm()
      const streams = Array.from({ length: 12 }, () => obey().open())
      const first = []
      for (const stream of streams) first.push(...await ask(stream, ${THREAD}))
      for (let round = 0; round < 20; round++) {
        await Promise.all([1, 2, 3].map(() => obey().run([${THREAD}])))
        const now = await Promise.all(streams.map((stream) => ask(stream, ${THREAD})))
        if (now.join() !== first.join()) say('moved')
      }
      say(streams.every((stream, i) => stream.metrics.thread === first[i]), new Set(first).size)`,
      'true 3',
    ))

  test('the one with the fewest streams', () =>
    says(
      `runtime.configure({ workers: 2 })
      await runtime.warm()
      const open = async (count) => { const all = []; for (let i = 0; i < count; i++) { const stream = obey().open(); await ask(stream, ${THREAD}); all.push(stream) } return all }
      const streams = await open(8)
      const counts = () => runtime.snapshot().workers.map((worker) => worker.streams)
      // What they have to do counts, too, so that it need not be 4 and 4.
      say(counts().every((count) => count >= 1))
      const [a, b] = threads()
      for (const stream of streams) if (stream.metrics.thread === b) await stream.close()
      say(counts()[1])
      await open(1)
      say(counts()[1])`,
      'true\n0\n1',
    ))

  test('the one that computes less', () =>
    says(
      `runtime.configure({ workers: 2 })
      await runtime.warm()
      const row = flags()
      const hot = obey({ context: () => row }).open()
      await hot.send({ do: 'compute' })
      await within(5000, raised(row, Flag.Begun), 'computing')
      const busy = (thread) => runtime.snapshot().workers.find((worker) => worker.thread === thread).busy
      const other = threads().find((thread) => thread !== hot.metrics.thread)
      await ask(obey().open(), ${THREAD}) // the other one loads the module
      await until(5000, () => busy(hot.metrics.thread) > 0.9 && busy(other) < 0.1, 'one of them busy')
      const others = []
      for (let i = 0; i < 3; i++) { const stream = obey().open(); others.push(...await within(5000, ask(stream, ${THREAD}), 'another thread')) }
      say(new Set(others).size, others[0] !== hot.metrics.thread)
      raise(row, Flag.Go)
      say(await hot.recv())
      process.exit()`,
      '1 true\ncomputed',
    ))

  test('streams that start at once are spread as well', () =>
    says(
      `runtime.configure({ workers: 2 })
      await runtime.warm()
      const running = Array.from({ length: 10 }, () => { const stream = obey().open(); return ask(stream, ${THREAD}) })
      await Promise.all(running)
      const counts = runtime.snapshot().workers.map((worker) => worker.streams)
      say(counts.length, counts.every((count) => count >= 3))`,
      '2 true',
    ))
})

describe('what shows', { concurrency }, () => {
  test('spin: a thread that looks for events before it sleeps answers alike, and hears commands', () =>
    says(
      `runtime.configure({ workers: { max: 1, spin: 200 } })
      const stream = obey().open()
      let right = 0
      for (let n = 0; n < 300; n++) if ((await ask(stream, { do: 'echo', value: n }))[0] === n) right++
      stream.abort('enough')
      say(right, (await stream.closed).reason)`,
      '300 aborted',
    ))

  test('snapshot().workers is plain: thread, streams, busy, startMs', () =>
    says(
      `runtime.configure({ workers: 2 })
      say(JSON.stringify(runtime.snapshot().workers))
      const stream = obey().open()
      const [thread] = await ask(stream, ${THREAD})
      // Its answer and its word that it has started come by different ways.
      while (Number.isNaN(runtime.snapshot().workers[0].startMs)) await new Promise(setImmediate)
      const [worker] = runtime.snapshot().workers
      say(Object.keys(worker), Object.getPrototypeOf(worker) === Object.prototype)
      say(worker.thread === thread, worker.streams, worker.busy >= 0 && worker.busy <= 1, worker.startMs > 0)
      await stream.close()
      say(runtime.snapshot().workers[0].streams)`,
      '[]\nthread,streams,busy,startMs true\ntrue 1 true true\n0',
    ))

  test('metrics.thread: the number of the thread, 0 before the start, and its own for a local stream', () =>
    says(
      `const stream = obey().open()
      say(stream.metrics.thread)
      const [thread] = await ask(stream, ${THREAD})
      say(stream.metrics.thread === thread, thread > 0)
      await stream.close()
      say(stream.metrics.thread === thread)
      const local = streamFn(async function* (events) { yield* events }).open()
      say(local.metrics.thread === threadId)`,
      '0\ntrue true\ntrue\ntrue',
    ))

  test('streams on workers count in the limits and numbers of the process', () =>
    says(
      `const fn = obey({ maxConcurrent: 2 })
      const streams = [fn.open(), fn.open()]
      for (const stream of streams) await ask(stream, ${THREAD}, ${THREAD})
      try { fn.open() } catch (error) { say(error.code) }
      const { streamsOpen, eventsIn, eventsOut, streamsRefused } = runtime.snapshot()
      say(streamsOpen, eventsIn, eventsOut, streamsRefused)
      say(fn.metrics.streamsOpen, fn.metrics.eventsIn, fn.metrics.eventsOut)
      await Promise.all(streams.map((stream) => stream.close()))
      say(runtime.snapshot().streamsOpen, fn.metrics.closedBy.closed)`,
      'VELO_OVERLOADED\n2 4 4 1\n2 4 4\n0 2',
    ))
})

describe('what they are made with', { concurrency }, () => {
  test('resourceLimits', () =>
    says(
      `runtime.configure({ workers: { resourceLimits: { maxOldGenerationSizeMb: 100, stackSizeMb: 3 } } })
      const [{ resourceLimits }] = await obey().run([{ do: 'surroundings', name: 'A' }])
      say(resourceLimits.maxOldGenerationSizeMb, resourceLimits.stackSizeMb)`,
      '100 3',
    ))

  test('env: what is given, and nothing else; else a copy', () =>
    says(
      `process.env.VELO_A = 'outside'
      const look = async (name, fn = obey()) => (await fn.run([{ do: 'surroundings', name }]))[0].env
      say(await look('VELO_A'))
      await obey().run([{ do: 'setEnv', name: 'VELO_A', value: 'inside' }])
      say(process.env.VELO_A)
      runtime.configure({ workers: { idleTimeout: 1 } })
      await until(5000, () => threads().length === 0, 'no thread')
      runtime.configure({ workers: { env: { VELO_B: 'given' } } })
      say(await look('VELO_A'), await look('VELO_B'))`,
      'outside\noutside\n given',
    ))

  test('execArgv', () =>
    says(
      `runtime.configure({ workers: { execArgv: ['--no-warnings', '--conditions=velo'] } })
      say((await obey().run([{ do: 'surroundings', name: 'A' }]))[0].execArgv)`,
      '--no-warnings,--conditions=velo',
    ))

  test('options that no thread can have fail the stream, and warm(), with what Node.js says of them', () =>
    says(
      `runtime.configure({ workers: { execArgv: ['--no-such-option'] } })
      const fn = obey()
      for (const promise of [fn.run([${THREAD}]), fn.open().recv(), runtime.warm()]) say((await within(5000, outcome(promise), 'it')).error?.code)
      say(fn.metrics.streamsOpen, threads().length)`,
      'ERR_WORKER_INVALID_EXEC_ARGV\nERR_WORKER_INVALID_EXEC_ARGV\nERR_WORKER_INVALID_EXEC_ARGV\n0 0',
    ))
})

describe('the process ends by itself', { concurrency }, () => {
  const released = {
    'after a run': `await obey().run([${THREAD}])`,
    'after warm()': `runtime.configure({ workers: 2 }); await runtime.warm()`,
    'while threads start': `runtime.configure({ workers: 2 }); runtime.warm()`,
    'with threads that stay': `runtime.configure({ workers: { min: 2, max: 2 } }); await runtime.warm()`,
    'with streams that never started': `for (let i = 0; i < 100; i++) obey().open()`,
    'with streams that wait for an event': `for (let i = 0; i < 20; i++) await ask(obey({ idleTimeout: 60000 }).open(), ${THREAD})`,
    'with unread results': `const s = obey({ maxStall: 60000 }).open(); await s.send(${THREAD}); await until(5000, () => s.metrics.eventsOut === 1, 'a result')`,
    'with a pipeline over two threads': `runtime.configure({ workers: 2 }); const s = obey().pipe(streamFn(async function* (events) { yield* events })).open(); await ask(s, ${THREAD})`,
    'with a recv that no timer can settle': `const s = obey().open(); await ask(s, ${THREAD}); s.recv().then(say)`,
    'with sends that waited when the function threw': `const s = obey({ buffer: 1, closeTimeout: 60000 }).open(); s.send({ do: 'toss', what: 'error' })
      for (let i = 0; i < 6; i++) s.send(${THREAD}).catch(() => {})
      await s.recv().catch(() => {})`,
    'with a call that was left alone': `await obey()([${THREAD}, ${THREAD}]).next()`,
    'with somebody who only waits for closed': `const s = obey().open(); await ask(s, ${THREAD}); s.closed.then(() => say('ended'))`,
    'with somebody who only waits for closed, which a timer settles': `const s = obey({ idleTimeout: 60000, maxDuration: 60000, maxStall: 60000 }).open()
      await ask(s, ${THREAD}); s.closed.then(() => say('ended'))`,
    'with an idle stream whose two sides are web streams': `const s = obey({ idleTimeout: 60000 }).open(); const { writable } = s.toWeb()
      const writer = writable.getWriter(); await writer.write(${THREAD})`,
    'after a close': `const s = obey().open(); await ask(s, ${THREAD}); await s.close()`,
    'after an abort that nobody waits for': `const s = obey().open(); await ask(s, ${THREAD}); s.abort()`,
    'with a detached stream': `const s = obey({ closeTimeout: 20 }).open(); await s.send({ do: 'hang' }); await s.close()`,
    'after its threads have ended': `runtime.configure({ workers: { idleTimeout: 1 } }); await obey().run([${THREAD}]); await until(5000, () => threads().length === 0, 'none')`,
    'after a drain': `const s = obey().open(); await ask(s, ${THREAD}); await runtime.drain({ deadline: 20 })`,
  }
  for (const [name, body] of Object.entries(released)) {
    // That a send is stuck is told by a warning.
    test(name, () => says(`${body}\n;say('end of script')`, 'end of script', { flags: ['--no-warnings'] }))
  }

  test('with a send that nothing can settle, and says so', async () => {
    const body = `const s = obey({ buffer: 1 }).open(); for (let i = 0; i < 3; i++) await s.send(${THREAD}); s.send(${THREAD}).then(say); await turns()`
    const { code, signal, stdout, stderr } = await child(`${prelude}\n${body}\n;say('end of script')`, { ms: AT_ONCE })
    assert.deepEqual({ code, signal, stdout: stdout.trim() }, { code: 0, signal: null, stdout: 'end of script' })
    assert.match(stderr, /1 sends wait for room/)
  })

  test('process.exit() while threads work', async () => {
    const body = `const row = flags(); runtime.configure({ workers: 2 })
      for (let i = 0; i < 2; i++) await obey({ context: () => row }).open().send({ do: 'loop' })
      await within(5000, raised(row, Flag.Begun, 2), 'loops'); process.exit(7)`
    const { code, signal, stderr } = await child(`${prelude}${body}`, { ms: AT_ONCE })
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' })
  })

  test('the script ends while a thread computes for nobody', () =>
    says(
      `const row = flags(); const s = obey({ context: () => row }).open(); await s.send({ do: 'loop' }); await within(5000, raised(row, Flag.Begun), 'loop')`,
      '',
    ))
})

describe('a wait that a function at work can settle keeps it', { concurrency }, () => {
  for (const [how, order, answer] of [
    ['computes', `{ do: 'compute', ms: 250 }`, 'computed'],
    ['waits for a timer of its own', `{ do: 'sleep', ms: 250 }`, 'slept'],
  ]) {
    const kept = {
      run: [`say(await obey().run([${order}]))`, answer],
      'next of a call': [`say((await obey()([${order}]).next()).value)`, answer],
      recv: [`const s = obey().open(); await s.send(${order}); say(await s.recv())`, answer],
      'for await': [`const s = obey().open(); await s.send(${order}); s.end(); for await (const result of s) say(result)`, answer],
      'a send that waits': [
        `const s = obey({ buffer: 1 }).open(); s.send(${order}); for (let i = 0; i < 2; i++) await s.send(${THREAD}); say('accepted')`,
        'accepted',
      ],
      close: [`const s = obey().open(); await s.send(${order}); await s.close(); say((await s.closed).reason)`, 'closed'],
      'a run of a pipeline': [
        `say(await obey().pipe(streamFn(async function* (events) { for await (const e of events) yield e + '!' })).run([${order}]))`,
        `${answer}!`,
      ],
      drain: [`const s = obey().open(); await s.send(${order}); s.end(); await runtime.drain(); say((await s.closed).reason)`, 'done'],
    }
    for (const [name, [body, expected]] of Object.entries(kept)) {
      test(`${name}, of a function that ${how}`, () => says(body, expected))
    }
  }

  test('a recv that idleTimeout settles', () =>
    says(`await obey({ idleTimeout: 100 }).open().recv().catch((error) => say(error.code, passed(100)))`, 'VELO_CLOSED true'))

  test('recv({ timeout }) while the thread computes', () =>
    says(
      `const row = flags(); const s = obey({ context: () => row }).open(); await s.send({ do: 'loop' })
      await s.recv({ timeout: 100 }).catch((error) => say(error.code, passed(100)))`,
      'VELO_TIMEOUT true',
    ))

  test('close() of a function that loops is over after closeTimeout', () =>
    says(
      `const row = flags(); const s = obey({ closeTimeout: 100, context: () => row }).open(); await s.send({ do: 'loop' })
      await within(5000, raised(row, Flag.Begun), 'loop'); await s.close(); say((await s.closed).detached, passed(100))`,
      'true true',
    ))
})
