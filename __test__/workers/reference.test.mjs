// What a function on worker threads may be: the URL of a module and the name of an export. What it may not be is refused clearly, at
// definition where that is possible; and the options that exist only there are checked like all others.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn, VeloError } from 'velo-stream'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

runtime.configure({ workers: 1 })

const file = (name) => new URL(`functions/${name}`, import.meta.url)
const exported = file('exported.mjs')
const on = (url, options) => streamFn(url, { placement: 'worker', ...options })
const run = (fn, events = [1, 2, 3]) => within(10_000, fn.run(events), 'run')
const refusal = (promise) => within(10_000, outcome(promise), 'the refusal').then(({ error }) => error)

/** `make()` throws at once: `code`, and `field` as the path of what is wrong. */
function refuses(make, code, field, message = /./) {
  assert.throws(make, (error) => {
    assert.ok(error instanceof VeloError)
    assert.deepEqual({ code: error.code, field: error.field, retryable: error.retryable }, { code, field, retryable: false })
    assert.match(error.message, message)
    return true
  })
}

function isReferenceError(error, message) {
  assert.ok(error instanceof VeloError, `${error}`)
  assert.equal(error.code, 'VELO_FUNCTION_REF')
  assert.equal(error.retryable, false)
  assert.match(error.message, message)
}

describe('at definition', () => {
  async function* closure(events) {
    yield* events
  }
  const HOW = /new URL\('\.\/file\.js', import\.meta\.url\)/

  test('a closure is refused, and the message says what to do', () => {
    refuses(() => on(closure), 'VELO_FUNCTION_REF', 'streamFn(fn)', HOW)
    refuses(() => streamFn(closure).with({ placement: 'worker' }), 'VELO_FUNCTION_REF', 'with(options)', HOW)
  })

  test('so is what is no URL', () => {
    for (const bad of ['./detect.js', 'detect', '', 7, null, undefined, {}, Symbol('url')]) {
      refuses(() => on(bad), 'VELO_FUNCTION_REF', 'streamFn(fn)', HOW)
    }
  })

  test('a URL needs the placement', () => {
    refuses(() => streamFn(exported), 'VELO_CONFIG', 'streamFn(options).placement', /'worker'/)
    refuses(() => streamFn(exported.href, { placement: 'local' }), 'VELO_CONFIG', 'streamFn(options).placement', /'worker'/)
  })

  test('the name is that of the export, else of the file', () => {
    assert.equal(on(exported).name, 'exported')
    assert.equal(on(exported, { export: 'double' }).name, 'double')
    assert.equal(on(exported.href, { name: 'mine' }).name, 'mine')
    assert.equal(on(exported, { name: 'mine' }).metrics.name, 'mine')
  })
})

describe('modules', () => {
  test('a URL object, and its text', async () => {
    assert.deepEqual(await run(on(exported)), [1, 3, 6])
    assert.deepEqual(await run(on(exported.href)), [1, 3, 6])
  })

  test('a data: URL', async () => {
    const text = 'export default async function* (events) { for await (const event of events) yield event + 1 }'
    assert.deepEqual(await run(on(`data:text/javascript,${encodeURIComponent(text)}`)), [2, 3, 4])
    assert.deepEqual(await run(on(new URL(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`))), [2, 3, 4])
  })

  test('another query is another module, and each is loaded once on a thread', async () => {
    const loaded = (query) => run(on(new URL(query, exported), { export: 'loaded' }), [1])
    const seen = [...(await loaded('?a')), ...(await loaded('?a')), ...(await loaded('?b'))]
    assert.deepEqual(
      seen.map(({ loads }) => loads),
      [1, 1, 1],
    )
  })

  test('CommonJS', async () => {
    assert.deepEqual(await run(on(file('common.cjs'))), [-1, -2, -3])
    assert.deepEqual(await run(on(file('common.cjs'), { export: 'halve' })), [0.5, 1, 1.5])
  })

  test('one that awaits at its top level, also for two streams at once', async () => {
    const fn = on(file('late.mjs'))
    assert.deepEqual(await within(10_000, Promise.all([fn.run([1]), fn.run([2])]), 'the runs'), [[3], [6]])
  })

  const strips = Boolean(process.features.typescript)
  test(`TypeScript: ${strips ? 'runs' : 'this Node.js strips no types, and the failure says so'}`, async () => {
    const fn = on(file('typed.ts'))
    if (strips) return assert.deepEqual(await run(fn), [1, 3, 6])
    const error = await refusal(fn.run([1]))
    isReferenceError(error, /typed\.ts.* cannot be loaded: .*"\.ts"/)
    assert.equal(error.cause.code, 'ERR_UNKNOWN_FILE_EXTENSION')
  })
})

describe('exports', () => {
  test('the default, or the one that is named', async () => {
    assert.deepEqual(await run(on(exported, { export: 'default' })), [1, 3, 6])
    assert.deepEqual(await run(on(exported, { export: 'double' })), [2, 4, 6])
    assert.deepEqual(await run(on(exported, { export: 'a name with spaces' })), [2, 4, 6])
  })

  test('a stream function, or a pipeline of them', async () => {
    assert.deepEqual(await run(on(exported, { export: 'made' })), [2, 4, 6])
    assert.deepEqual(await run(on(exported, { export: 'piped' })), [4, 12, 24])
    const { error } = await within(10_000, outcome(on(exported, { export: 'piped' }).run([1, -1, 2])), 'the run')
    assert.equal(error.code, 'VELO_EVENT')
    isReferenceError(await refusal(run(on(exported, { export: 'elsewhere' }))), /its export 'elsewhere' runs on worker threads itself/)
  })

  test('with(): the same module, or another export of it', async () => {
    const fn = on(exported, { export: 'double' })
    assert.deepEqual(await run(fn.with({ buffer: 1 })), [2, 4, 6])
    assert.deepEqual(await run(fn.with({ export: 'default' })), [1, 3, 6])
    assert.deepEqual(await run(fn.with({ name: 'other' })), [2, 4, 6])
    assert.equal(fn.with({ name: 'other' }).metrics.name, 'other')
    assert.throws(() => fn.with({ placement: 'local' }), { code: 'VELO_CONFIG' })
  })

  test('pipe(): before a generator, a stream function, and after one', async () => {
    const double = on(exported, { export: 'double' })
    async function* plusOne(events) {
      for await (const event of events) yield event + 1
    }
    assert.deepEqual(await run(double.pipe(plusOne)), [3, 5, 7])
    assert.deepEqual(await run(double.pipe(streamFn(plusOne))), [3, 5, 7])
    assert.deepEqual(await run(streamFn(plusOne).pipe(double)), [4, 6, 8])
    assert.deepEqual(await run(double.pipe(double).pipe(plusOne).pipe(double)), [10, 18, 26])
    assert.equal(double.pipe(plusOne).name, 'double|plusOne')
  })
})

/** What is wrong with a reference shows only on the thread: `[url, options, what the message says]`. */
const missing = {
  'a module that is missing': [file('no-such-file.mjs'), {}, /no-such-file\.mjs cannot be loaded: /],
  'a module that throws as it is loaded': [file('throws-at-load.mjs'), {}, /throws-at-load\.mjs cannot be loaded: not today/],
  'a module that is no JavaScript': ['data:text/javascript,this%20is%20not', {}, /cannot be loaded: /],
  'a scheme that Node.js cannot load': ['gopher://example.test/a.mjs', {}, /cannot be loaded: /],
  'an export that is missing': [exported, { export: 'triple' }, /has no export 'triple' \(it has: .*default.*double/],
  'no default export': ['data:text/javascript,export{}', {}, /has no export 'default' \(it has: none\)/],
}
for (const name of ['syncGenerator', 'asyncFunction', 'arrow', 'number', 'nothing', 'Class']) {
  missing[`an export that is no async generator function (${name})`] = [exported, { export: name }, /is no async generator function/]
}

describe('what fails the stream', () => {
  for (const [name, [url, options, message]] of Object.entries(missing)) {
    test(name, async () => {
      const fn = on(url, options)
      isReferenceError(await refusal(fn.run([1])), message)
      isReferenceError(await refusal(fn([1]).next()), message)

      const stream = fn.open()
      await within(10_000, stream.send(1), 'send')
      isReferenceError(await refusal(stream.recv()), message)
      const end = await within(1_000, stream.closed, 'closed')
      assert.equal(end.reason, 'failed')
      isReferenceError(end.error, message)
      assert.deepEqual(end.dropped, { events: 1, results: 0 })

      isReferenceError(await refusal(fn.open().feed([1]).next()), message)
      assert.equal(fn.metrics.streamsOpen, 0)
      assert.equal(fn.metrics.closedBy.failed, 4)
    })
  }

  test('what a module throws as it is loaded is the cause', async () => {
    const error = await refusal(on(file('throws-at-load.mjs')).run([1]))
    assert.ok(error.cause instanceof RangeError)
    assert.equal(error.cause.code, 'E_LOAD')
  })

  test('the stage of a pipeline that is missing', async () => {
    const good = on(exported, { export: 'double' })
    const bad = on(exported, { export: 'triple' })
    isReferenceError(await refusal(good.pipe(bad).run([1])), /'triple'/)
    const stream = bad.pipe(good).open()
    stream.end()
    isReferenceError(await refusal(stream.recv()), /'triple'/)
    assert.equal((await within(5000, stream.closed, 'closed')).stage, 'triple')
  })

  test('the thread goes on afterwards', async () => {
    const [{ thread }] = runtime.snapshot().workers
    assert.deepEqual(await run(on(exported)), [1, 3, 6])
    assert.deepEqual(
      runtime.snapshot().workers.map((worker) => worker.thread),
      [thread],
    )
  })
})

describe('options', () => {
  const bad = {
    placement: ['remote', 1, null],
    export: ['', 1, null, {}],
    codec: ['xml', 1, null, {}, { encode() {} }, { decode() {} }],
    transfer: ['yes', 1, null],
    onWorkerExit: ['retry', 1, null],
    context: ['text', 1, null, {}],
  }
  for (const [name, values] of Object.entries(bad)) {
    test(`${name} is checked at definition, and by with()`, () => {
      const fn = on(exported)
      for (const value of values) {
        refuses(() => on(exported, { [name]: value }), 'VELO_CONFIG', `streamFn(options).${name}`)
        refuses(() => fn.with({ [name]: value }), 'VELO_CONFIG', `with(options).${name}`)
      }
    })
  }

  test('what is accepted', () => {
    const codec = { encode: () => new Uint8Array(), decode: () => 1 }
    for (const options of [
      { codec: 'json' },
      { codec: 'binary' },
      { codec },
      { transfer: true },
      { onWorkerExit: 'reopen' },
      { context: () => 1 },
    ]) {
      assert.equal(on(exported, options).name, 'exported')
    }
  })

  const PATH = 'runtime.configure(options).workers'
  const wrong = [
    [0, PATH],
    [-1, PATH],
    [1.5, PATH],
    [Number.NaN, PATH],
    ['2', PATH],
    [null, PATH],
    [[], PATH],
    [{ size: 2 }, `${PATH}.size`],
    [{ min: -1 }, `${PATH}.min`],
    [{ min: 0.5 }, `${PATH}.min`],
    [{ max: 0 }, `${PATH}.max`],
    [{ max: '2' }, `${PATH}.max`],
    [{ min: 3, max: 2 }, `${PATH}.min`],
    [{ idleTimeout: -1 }, `${PATH}.idleTimeout`],
    [{ idleTimeout: '1s' }, `${PATH}.idleTimeout`],
    [{ resourceLimits: 7 }, `${PATH}.resourceLimits`],
    [{ resourceLimits: null }, `${PATH}.resourceLimits`],
    [{ env: 'A=1' }, `${PATH}.env`],
    [{ execArgv: '--expose-gc' }, `${PATH}.execArgv`],
    [{ execArgv: [7] }, `${PATH}.execArgv`],
  ]
  for (const [workers, field] of wrong) {
    test(`runtime.configure({ workers: ${JSON.stringify(workers)} })`, () => {
      refuses(() => runtime.configure({ workers }), 'VELO_CONFIG', field)
    })
  }
})

noUnhandledRejections('references')
