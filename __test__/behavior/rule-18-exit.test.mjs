// Rule 18: a pending read, send, run, close or drain keeps the process alive while one of our timers can still settle it; nothing else does. And however
// a process or a thread ends while streams are open, it ends cleanly. Every case is a process of its own, on the Node.js that runs the tests.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { child, output } from '../support/child.mjs'

const prelude = `
  import { runtime, streamFn } from 'velo-stream'
  async function* pass(events) { for await (const event of events) yield event; yield 'summary' }
  async function* stuck(events) { for await (const event of events) { await new Promise(() => {}); yield event } }
  const silent = () => { const source = { [Symbol.asyncIterator]: () => source, next: () => new Promise(() => {}), return: async () => ({ value: undefined, done: true }) }; return source }
  const say = (...words) => console.log(words.join(' '))
  const start = performance.now()
  const passed = (ms) => performance.now() - start >= ms
  const idle = async (ms) => { for await (const _ of streamFn(pass, { idleTimeout: ms }).open()); }
  const turns = async (count = 10) => { for (let i = 0; i < count; i++) await new Promise(setImmediate) }
`

/** Far less than any timer that could hold the process: its default idleTimeout is 30 s. */
const AT_ONCE = 12_000

const concurrency = 3

/** Ends by itself with exit code 0 and says `expected`. */
async function says(body, expected, options) {
  assert.equal(await output(`${prelude}\n${body}`, { ms: AT_ONCE, ...options }), expected)
}

describe('a timer of ours can settle it: the process stays for the answer and exits with 0', { concurrency }, () => {
  const kept = {
    'the summary of an idle stream, by recv': [
      `const stream = streamFn(pass, { idleTimeout: 100 }).open()
      await stream.send(1)
      say(await stream.recv(), await stream.recv(), passed(100), (await stream.closed).reason)`,
      '1 summary true idle',
    ],
    'the summary of an idle stream, by for await': [
      `const stream = streamFn(pass, { idleTimeout: 100 }).open()
      stream.send(1)
      for await (const result of stream) say(result)
      say(passed(100))`,
      '1\nsummary\ntrue',
    ],
    'the summary of an idle stream, by recvBatch': [
      `const stream = streamFn(pass, { idleTimeout: 100 }).open()
      say(await stream.recvBatch(5), passed(100))`,
      'summary true',
    ],
    'the summary of an idle pipeline': [
      `const stream = streamFn(pass, { idleTimeout: 100 }).pipe(pass).open()
      for await (const result of stream) say(result)
      say(passed(100))`,
      'summary\nsummary\ntrue',
    ],
    'recv({ timeout })': [
      `const stream = streamFn(pass, { idleTimeout: 0 }).open()
      await stream.recv({ timeout: 100 }).catch((error) => say(error.code, passed(100)))`,
      'VELO_TIMEOUT true',
    ],
    'recv({ timeout }) of a stream in line': [
      `const fn = streamFn(pass, { idleTimeout: 0, maxConcurrent: 1, queue: 1 })
      fn.open()
      await fn.open().recv({ timeout: 100 }).catch((error) => say(error.code, passed(100)))`,
      'VELO_TIMEOUT true',
    ],
    'several recv({ timeout }), one after the other': [
      `const stream = streamFn(pass, { idleTimeout: 0 }).open()
      for (const timeout of [30, 60, 10]) await stream.recv({ timeout }).catch((error) => say(error.code))
      say(passed(100))`,
      'VELO_TIMEOUT\nVELO_TIMEOUT\nVELO_TIMEOUT\ntrue',
    ],
    'drain({ deadline })': [
      `const stream = streamFn(pass, { idleTimeout: 0 }).open()
      await runtime.drain({ deadline: 100 })
      say((await stream.closed).reason, passed(100), runtime.snapshot().streamsOpen)`,
      'aborted true 0',
    ],
    'drain({ deadline }) with nothing open': [`await runtime.drain({ deadline: 60000 }); say('drained', passed(60000))`, 'drained false'],
    'drain({ deadline }) that settles as the last stream ends': [
      `const stream = streamFn(pass, { idleTimeout: 0 }).open()
      const draining = runtime.drain({ deadline: 60000 })
      await stream.send(1)
      stream.end()
      say(await stream.recv(), await stream.recv())
      await draining
      say('drained')`,
      '1 summary\ndrained',
    ],
    'a run that a drain aborts': [
      `const running = streamFn(pass).run(silent())
      const draining = runtime.drain({ deadline: 100 })
      await running.catch((error) => say(error.code, passed(100)))
      await draining`,
      'VELO_ABORTED true',
    ],
    'close() of a function that is stuck': [
      `const stream = streamFn(stuck, { idleTimeout: 0, closeTimeout: 100 }).open()
      await stream.send(1)
      await stream.close()
      say((await stream.closed).detached, passed(100))`,
      'true true',
    ],
    'return() of an iterator of a function that is stuck': [
      `const stream = streamFn(stuck, { idleTimeout: 0, closeTimeout: 100 }).open()
      await stream.send(1)
      const iterator = stream[Symbol.asyncIterator]()
      const pending = iterator.next()
      await iterator.return()
      say((await pending).done, passed(100))`,
      'true true',
    ],
    'return() of a call of a function that is stuck': [
      `const results = streamFn(stuck, { closeTimeout: 100 })([1])
      const pending = results.next()
      await turns()
      await results.return()
      say((await pending).done, passed(100))`,
      'true true',
    ],
    'return() of a call whose source is slow to close': [
      `const source = { [Symbol.asyncIterator]: () => source, next: async () => ({ value: 1, done: false }), return: () => new Promise(() => {}) }
      const results = streamFn(pass, { closeTimeout: 100 })(source)
      await results.next()
      await results.return()
      say(passed(100))`,
      'true',
    ],
    'a run with maxDuration': [
      `await streamFn(pass, { maxDuration: 100 }).run(silent()).catch((error) => say(error.code, error.cause.code, passed(100)))`,
      'VELO_ABORTED VELO_TIMEOUT true',
    ],
    'a run with idleTimeout': [
      `await streamFn(pass, { idleTimeout: 100 }).run(silent()).catch((error) => say(error.code, passed(100)))`,
      'VELO_IDLE true',
    ],
    'a call with maxDuration': [
      `await streamFn(pass, { maxDuration: 100 })(silent()).next().catch((error) => say(error.code, passed(100)))`,
      'VELO_ABORTED true',
    ],
    'a call with idleTimeout': [
      `const results = streamFn(pass, { idleTimeout: 100 })(silent())
      say((await results.next()).value, passed(100))
      await results.next().catch((error) => say(error.code))`,
      'summary true\nVELO_IDLE',
    ],
    'a feed with maxDuration': [
      `await streamFn(pass, { maxDuration: 100 }).open().feed(silent()).next().catch((error) => say(error.code, passed(100)))`,
      'VELO_ABORTED true',
    ],
    'a recv with maxDuration': [
      `await streamFn(pass, { idleTimeout: 0, maxDuration: 100 }).open().recv().catch((error) => say(error.code, passed(100)))`,
      'VELO_ABORTED true',
    ],
    'a send with maxDuration': [
      `const stream = streamFn(stuck, { idleTimeout: 0, buffer: 1, maxDuration: 100, closeTimeout: 50 }).open()
      await stream.send(1)
      await stream.send(2)
      await stream.send(3).catch((error) => say(error.code, passed(100)))`,
      'VELO_ABORTED true',
    ],
    'a send with maxStall': [
      `const stream = streamFn(pass, { idleTimeout: 0, buffer: 1, maxStall: 100 }).open()
      try { for (let i = 0; i < 10; i++) await stream.send(i) } catch (error) { say(error.code, error.cause.code, passed(100)) }`,
      'VELO_ABORTED VELO_TIMEOUT true',
    ],
    'a send in line behind a stream that becomes idle': [
      `const fn = streamFn(pass, { maxConcurrent: 1, queue: 1, idleTimeout: 100 })
      const first = fn.open()
      first.recv().then((result) => say('first', result))
      const second = fn.open()
      await second.send(1)
      say(await second.recv(), passed(100))
      await second.close()`,
      'first summary\n1 true',
    ],
    'a run that waits for an admission after maxDuration': [
      `const fn = streamFn(pass, { maxConcurrent: 1, queue: 1, maxDuration: 100 })
      const first = fn.run(silent()).catch((error) => error.code)
      say(await fn.run([1]), await first, passed(100))`,
      '1,summary VELO_ABORTED true',
    ],
  }
  for (const [name, [body, expected]] of Object.entries(kept)) {
    test(`rule 18: ${name}`, () => says(body, expected))
  }
})

describe('nothing else keeps it', { concurrency }, () => {
  const released = {
    'open streams that never started': `const fn = streamFn(pass); for (let i = 0; i < 100; i++) fn.open()`,
    'open streams that wait for an event': `
      const fn = streamFn(pass)
      for (let i = 0; i < 100; i++) { const stream = fn.open(); await stream.send(1); await stream.recv() }`,
    'open streams with unread results': `const fn = streamFn(pass, { maxStall: 60000 }); for (let i = 0; i < 100; i++) await fn.open().send(1)`,
    'open streams with maxDuration': `const fn = streamFn(pass, { maxDuration: 60000 }); for (let i = 0; i < 100; i++) fn.open()`,
    'a stream whose function is stuck': `const stream = streamFn(stuck, { idleTimeout: 60000, maxDuration: 60000 }).open(); await stream.send(1)`,
    'streams in line': `const fn = streamFn(pass, { maxConcurrent: 1, queue: 10 }); for (let i = 0; i < 10; i++) fn.open()`,
    'a detached stream': `
      const stream = streamFn(stuck, { closeTimeout: 10 }).open(); await stream.send(1); await stream.close()`,
    'somebody who only waits for closed': `streamFn(pass).open().closed.then(() => say('ended'))`,
    'an abort that nobody waits for': `const stream = streamFn(stuck, { closeTimeout: 60000 }).open(); await stream.send(1); stream.abort()`,
    'sends that waited when the function threw': `
      const stream = streamFn(async function* (events) { for await (const e of events) throw e }, { buffer: 1, closeTimeout: 60000 }).open()
      for (let i = 0; i < 6; i++) stream.send(i).catch(() => {})
      await stream.closed`,
    'a recv without any timer': `streamFn(pass, { idleTimeout: 0 }).open().recv().then(say)`,
    'a run without any timer': `streamFn(pass).run(silent()).then(say)`,
    'a send without any timer': `
      const stream = streamFn(pass, { idleTimeout: 0, buffer: 1 }).open()
      for (let i = 0; i < 4; i++) stream.send(i).then(() => { if (i === 3) say('accepted') })`,
    'a recv that was served before its timeout': `
      const stream = streamFn(pass, { idleTimeout: 0 }).open(); const reading = stream.recv({ timeout: 60000 }); await stream.send(1); await reading`,
    'a recv that its signal ended before its timeout': `
      const controller = new AbortController()
      const reading = streamFn(pass, { idleTimeout: 0 }).open().recv({ timeout: 60000, signal: controller.signal }).catch(() => {})
      controller.abort()
      await reading`,
    'a recv that close ended before its timeout': `
      const stream = streamFn(pass, { idleTimeout: 0 }).open(); const reading = stream.recv({ timeout: 60000 }).catch(() => {}); await stream.close(); await reading`,
    'a close that was quick': `const stream = streamFn(pass, { closeTimeout: 60000 }).open(); await stream.send(1); await stream.close()`,
    'a run that ended before its maxDuration': `await streamFn(pass, { maxDuration: 60000, idleTimeout: 60000 }).run([1, 2, 3])`,
    'a call that ended before its maxDuration': `for await (const _ of streamFn(pass, { maxDuration: 60000 })([1, 2, 3]));`,
    'a call that was never asked': `streamFn(pass, { maxDuration: 60000 })([1, 2, 3])`,
    // Held: of results that nobody holds any more a warning tells, whenever they are collected.
    'a call that was left alone': `globalThis.held = streamFn(pass, { maxDuration: 60000, idleTimeout: 60000 })([1, 2, 3]); await held.next()`,
    'a drain that is done': `await runtime.drain({ deadline: 60000 })`,
    'the metrics and the snapshot': `const fn = streamFn(pass); fn.open(); fn.metrics; runtime.snapshot()`,
    'the import alone': ``,
  }
  for (const [name, body] of Object.entries(released)) {
    test(`rule 18: ${name}`, async () => {
      await says(`${body}\n;say('end of script')`, 'end of script')
    })
  }

  test('rule 18: a pending await of a read that nothing can settle ends as node ends such a script', async () => {
    const { code, signal, stdout } = await child(`${prelude} say(await streamFn(pass, { idleTimeout: 0 }).open().recv())`, { ms: AT_ONCE })
    assert.deepEqual({ code, signal, stdout }, { code: 13, signal: null, stdout: '' })
  })

  test('rule 18: other work goes on while streams are open', () =>
    says(`streamFn(pass).open(); setTimeout(() => say('the timer of the user', passed(50)), 60)`, 'the timer of the user true'))
})

describe('the process ends while streams are open', { concurrency }, () => {
  const many = `
    const fn = streamFn(pass, { maxConcurrent: 3000, queue: 100, maxDuration: 50000, maxStall: 40000, closeTimeout: 10000 })
    const streams = Array.from({ length: 1000 }, () => fn.open())
    for (const stream of streams.slice(0, 500)) stream.send(1)
    for (const stream of streams.slice(250, 750)) stream.recv().catch(() => {})
    streams[0].recv({ timeout: 30000 }).catch(() => {})
    const working = streamFn(stuck, { closeTimeout: 20 })
    const held = Array.from({ length: 50 }, () => working.open())
    for (const stream of held) stream.send(1)
    await turns(3)
    for (const stream of held.slice(0, 25)) stream.close()
    const runs = Array.from({ length: 20 }, () => fn.run(silent()).catch(() => {}))
    await turns(3)
  `
  const exits = {
    'process.exit(0)': ['process.exit(0)', 0],
    'process.exit(7)': ['process.exit(7)', 7],
    'process.exit() in a function': [
      `streamFn(async function* (events) { for await (const e of events) process.exit(7) }).open().send(1); await turns(99)`,
      7,
    ],
    'process.exit() in finally': [
      `const s = streamFn(async function* (events) { try { yield* events } finally { process.exit(7) } }).open(); await s.send(1); await s.close()`,
      7,
    ],
    'process.exit() in a listener of ctx.signal': [
      `const s = streamFn(async function* (events, ctx) { ctx.signal.onabort = () => process.exit(7); yield* events }).open(); await s.send(1); s.abort(); await turns(99)`,
      7,
    ],
    'process.exit() as an idle stream ends': [
      `const s = streamFn(pass, { idleTimeout: 30 }).open(); s.closed.then(() => process.exit(7)); await s.recv(); await turns(99)`,
      7,
    ],
    'process.exit() as a recv times out': [`await streamFn(pass).open().recv({ timeout: 30 }).catch(() => process.exit(7))`, 7],
    'process.exit() while a drain is pending': [`runtime.drain({ deadline: 50000 }); await turns(2); process.exit(7)`, 7],
    'process.exit() while timers fire': [
      `const quick = fn.with({ idleTimeout: 2, maxDuration: 3, queue: 0, maxConcurrent: 100000 }); for (let i = 0; i < 2000; i++) quick.open().recv().catch(() => {})
      setTimeout(() => process.exit(7), 4); await new Promise(() => {})`,
      7,
    ],
    'process.exitCode and the end of the script': [
      `process.exitCode = 7; for (const stream of streams) stream.abort(); runtime.drain({ deadline: 1 })`,
      7,
    ],
  }
  for (const [name, [body, expected]] of Object.entries(exits)) {
    test(`rule 18: ${name}`, async () => {
      const { code, signal, stderr } = await child(`${prelude}${many}${body}`, { ms: 20_000 })
      assert.deepEqual({ code, signal, stderr }, { code: expected, signal: null, stderr: '' })
    })
  }

  const crashes = {
    'an uncaught exception': `setImmediate(() => { throw new Error('on purpose') })`,
    'an uncaught exception in a listener of ctx.signal': `
      const s = streamFn(async function* (events, ctx) { ctx.signal.addEventListener('abort', () => { throw new Error('on purpose') }); yield* events }).open()
      await s.send(1); s.abort()`,
    'an unhandled rejection': `Promise.reject(new Error('on purpose'))`,
    'an unhandled rejection as a stream ends idle': `const s = streamFn(pass, { idleTimeout: 20 }).open(); s.recv().then(() => { throw new Error('on purpose') })`,
    'a throw at the top level': `throw new Error('on purpose')`,
  }
  for (const [name, body] of Object.entries(crashes)) {
    test(`rule 18: ${name}`, async () => {
      const { code, signal, stderr } = await child(`${prelude}${many}${body}`, { ms: 20_000 })
      assert.deepEqual({ code, signal }, { code: 1, signal: null }, stderr)
      assert.match(stderr, /on purpose/)
    })
  }

  test('rule 18: an uncaught exception that is handled leaves the other streams as they are', () =>
    says(
      `process.on('uncaughtException', (error) => say(error.message))
      const stream = streamFn(pass).open()
      const bad = streamFn(async function* (events, ctx) { ctx.signal.addEventListener('abort', () => { throw new Error('in a listener') }); yield* events }).open()
      await bad.send(1)
      bad.abort()
      await turns()
      await stream.send(1)
      say(await stream.recv(), (await bad.closed).reason)
      await stream.close()`,
      'in a listener\n1 aborted',
    ))

  if (process.platform !== 'win32') {
    test('rule 18: a signal from outside', async () => {
      const { code, signal } = await child(`${prelude}${many} process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 60000)`)
      assert.deepEqual({ code, signal }, { code: null, signal: 'SIGTERM' })
    })
  }
})

describe('threads', { concurrency }, () => {
  const threads = `
    import { Worker, isMainThread } from 'node:worker_threads'
    import { once } from 'node:events'
    const inside = (body) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify('__PRELUDE__')} + body)))
    const ended = (worker) => new Promise((resolve) => worker.on('exit', resolve))
  `
  // A data: module cannot resolve a bare name: it imports the file that the name means.
  const program = (body) => {
    const file = new URL('../../dist/index.js', import.meta.url).href
    const inner = `${prelude.replace("'velo-stream'", JSON.stringify(file))}
      import { parentPort } from 'node:worker_threads'
      const tell = (word) => parentPort.postMessage(word)
    `
    return `${prelude}${threads.replace(JSON.stringify('__PRELUDE__'), JSON.stringify(inner))}${body}`
  }
  const saysThreads = async (body, expected, options) => assert.equal(await output(program(body), { ms: 60_000, ...options }), expected)

  test('rule 18: a thread with only idle streams exits at once', () =>
    saysThreads(
      'const w = inside(`const fn = streamFn(pass); for (let i = 0; i < 100; i++) await fn.open().send(1)`); say(await ended(w), passed(25000))',
      '0 false',
    ))

  test('rule 18: a thread stays for an answer that a timer of ours can give', () =>
    saysThreads(
      `const w = inside(\`await streamFn(pass, { idleTimeout: 0 }).open().recv({ timeout: 100 }).catch((error) => tell(error.code))
        tell(await streamFn(pass, { idleTimeout: 50 }).open().recv())\`)
      w.on('message', say)
      say(await ended(w))`,
      'VELO_TIMEOUT\nsummary\n0',
    ))

  test('rule 18: what a thread left open is closed and gives its permits back', () =>
    saysThreads(
      `const w = inside(\`const fn = streamFn(pass, { name: 'inner' }); for (let i = 0; i < 300; i++) { const s = fn.open(); await s.send(1) }; tell('open'); setInterval(() => {}, 60000)\`)
      await once(w, 'message')
      say(runtime.snapshot().streamsOpen)
      await w.terminate()
      for (let i = 0; i < 1000 && runtime.snapshot().streamsOpen > 0; i++) await turns(1)
      say(runtime.snapshot().streamsOpen, runtime.snapshot().streamsWaiting)`,
      '300\n0 0',
    ))

  test('rule 18: permits of a thread that ended let the main thread in', () =>
    saysThreads(
      `runtime.configure({ maxConcurrent: 2 })
      const w = inside(\`const fn = streamFn(pass); fn.open(); fn.open(); tell('open'); setInterval(() => {}, 60000)\`)
      await once(w, 'message')
      const stream = streamFn(pass, { queue: 1 }).open()
      say(stream.state)
      const sending = stream.send(1)
      await w.terminate()
      const keep = setInterval(() => {}, 30000)
      await sending
      clearInterval(keep)
      say(stream.state, await stream.recv())`,
      'waiting\nopen 1',
    ))

  const ends = {
    'process.exit() in it': ['process.exit(7)', 7],
    'an uncaught exception in it': [`setImmediate(() => { throw new Error('inside') })`, 1],
    'process.exit() in a function of it': [
      `streamFn(async function* (events) { for await (const e of events) process.exit(7) }).open().send(1); await turns(99)`,
      7,
    ],
  }
  for (const [name, [body, expected]] of Object.entries(ends)) {
    test(`rule 18: a thread that ends by ${name}`, () =>
      saysThreads(
        `const w = inside(\`
          const fn = streamFn(pass, { maxDuration: 50000 }); for (let i = 0; i < 200; i++) fn.open().send(1)
          fn.open().recv({ timeout: 30000 }).catch(() => {})
          ${body}\`)
        w.on('error', (error) => say(error.message))
        say(await ended(w))
        const stream = streamFn(pass).open()
        await stream.send(1)
        say(await stream.recv())`,
        `${name.includes('uncaught') ? 'inside\n' : ''}${expected}\n1`,
      ))
  }

  test('rule 18: process.exit() while threads run', async () => {
    const { code, signal, stderr } = await child(
      program(`const workers = Array.from({ length: 4 }, () => inside(\`
        const fn = streamFn(pass, { idleTimeout: 5, maxConcurrent: 10000 })
        tell('up')
        for (;;) { for (let i = 0; i < 20; i++) fn.open().recv().catch(() => {}); await turns(1) }\`))
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      await turns(50)
      process.exit(7)`),
      { ms: 60_000 },
    )
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' })
  })

  test('rule 18: fifty threads terminated at random moments; the main thread works on', { timeout: 180_000 }, async () => {
    const printed = await output(
      program(`
        let state = 20240607
        const below = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 4294967296) * n) }
        const own = streamFn(async function* (events) { let sum = 0; for await (const event of events) yield (sum += event) }, { idleTimeout: 0 }).open()
        let sum = 0
        for (let i = 0; i < 50; i++) {
          const worker = inside(\`
            const fn = streamFn(pass, { idleTimeout: 1 + (Math.random() * 20), maxDuration: 10, maxConcurrent: 5000, queue: 100, closeTimeout: 5 })
            const blocked = streamFn(stuck, { closeTimeout: 3, maxConcurrent: 100000, idleTimeout: 0 })
            tell('up')
            for (let round = 0; ; round++) {
              for (let i = 0; i < 30; i++) {
                const stream = fn.open()
                stream.send(i)
                stream.recv({ timeout: 3 }).catch(() => {})
                if (i % 3 === 0) stream.close()
                if (i % 5 === 0) stream.abort()
                if (i % 7 === 0) fn.run(silent()).catch(() => {})
              }
              const held = blocked.open()
              held.send(1)
              held.close()
              if (round % 4 === 0) await idle(1)
              else await turns(1)
            }\`)
          worker.on('error', (error) => { if (error.code !== 'VELO_OVERLOADED') say('error', error.stack) })
          if (below(4) > 0) await once(worker, 'message')
          await idle(1 + below(25))
          for (let n = 0; n < 20; n++) {
            await own.send(1)
            if ((await own.recv()) !== ++sum) say('wrong sum')
          }
          await worker.terminate()
        }
        await own.close()
        const keep = setInterval(() => {}, 1000)
        const until = performance.now() + 10000
        while (runtime.snapshot().streamsOpen > 0 && performance.now() < until) await turns(1)
        clearInterval(keep)
        const { streamsOpen, streamsWaiting, streamsDetached } = runtime.snapshot()
        say(sum, streamsOpen, streamsWaiting, streamsDetached)`),
      { ms: 150_000 },
    )
    assert.equal(printed, '1000 0 0 0')
  })
})
