// What send accepted arrives, as it was then: whatever its getters do meanwhile, however deep it is, and when it is sent a second time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { codec, nested } from './functions/echo.mjs'
import { Flag, flags, raised } from './functions/flags.mjs'

runtime.configure({ workers: 2 })

const soon = (promise, what) => within(10_000, promise, what)
const module = new URL('functions/echo.mjs', import.meta.url)
const echo = (options) => streamFn(module, { placement: 'worker', idleTimeout: 0, ...options })
const codecs = { structured: 'structured', json: 'json', binary: 'binary', 'of the user': codec }

/** An event that calls `work` when `field` of it is read, once. */
function trap(work, fields = {}) {
  let sprung = false
  return {
    ...fields,
    get field() {
      if (!sprung) {
        sprung = true
        work()
      }
      return 'read'
    },
    last: 1,
  }
}

async function all(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

describe('an event whose getter sends', () => {
  for (const [name, codec] of Object.entries(codecs)) {
    test(`to the same stream and to another one (codec ${name})`, async () => {
      const [stream, other] = [echo({ codec, buffer: 8 }).open(), echo({ codec }).open()]
      const results = [all(stream), all(other)]
      const within = []
      for (let n = 0; n < 40; n++) {
        const text = 'text'.repeat(n)
        const event = trap(
          () => {
            within.push(stream.send({ within: n, text, list: [n, { n }] }), stream.send(n), stream.sendBatch([text, null, [n]]))
            within.push(other.send({ within: n, text }))
          },
          { n },
        )
        await soon(stream.send(event), 'send')
      }
      await soon(Promise.all(within), 'those within')
      stream.end()
      other.end()
      const [mine, others] = await soon(Promise.all(results), 'the results')
      const expected = Array.from({ length: 40 }, (_, n) => {
        const text = 'text'.repeat(n)
        return [{ n, field: 'read', last: 1 }, { within: n, text, list: [n, { n }] }, n, text, null, [n]]
      })
      assert.deepEqual(mine, expected.flat())
      assert.deepEqual(
        others,
        Array.from({ length: 40 }, (_, n) => ({ within: n, text: 'text'.repeat(n) })),
      )
    })
  }

  test('one that cannot travel, while its neighbor can', async () => {
    const stream = echo().open()
    let inner
    await soon(stream.send(trap(() => void (inner = outcome(stream.send({ fn() {} }))))), 'send')
    assert.equal((await soon(inner, 'the one within')).error.field, 'value.fn')
    const outer = stream.send({ ...trap(() => {}), fn() {} })
    assert.equal((await soon(outcome(outer), 'the one outside')).error.code, 'VELO_CODEC')
    const sent = outcome(stream.send(Object.defineProperty({ fn() {} }, 'a', { enumerable: true, get: () => stream.trySend('inner') })))
    assert.equal((await soon(sent, 'the third')).error.code, 'VELO_CODEC')
    stream.end()
    const results = await soon(all(stream), 'the results')
    assert.deepEqual(results[0], { field: 'read', last: 1 })
    assert.ok(results.length > 1 && results.slice(1).every((result) => result === 'inner'))
  })
})

describe('an event whose getter ends its stream', () => {
  const ways = {
    end: (stream) => stream.end(),
    close: (stream) => void stream.close(),
    abort: (stream) => stream.abort('why'),
    'close, with a line of sends': (stream) => void stream.close(),
  }
  for (const [way, end] of Object.entries(ways)) {
    for (const placed of ['the first', 'one in line']) {
      test(`${way}, ${placed}: whoever waits is told, and the books agree`, async () => {
        const fn = echo({ buffer: 2 })
        const stream = fn.open()
        const told = []
        if (placed === 'one in line') for (let n = 0; n < 6; n++) told.push(outcome(stream.send(n)))
        told.push(outcome(stream.send(trap(() => end(stream)))))
        for (let n = 0; n < 3; n++) told.push(outcome(stream.send(n)))
        const read = outcome(all(stream))
        await soon(Promise.all(told), 'the sends')
        await soon(read, 'the read')
        const { dropped } = await soon(stream.closed, 'closed')
        const { eventsIn, eventsOut } = stream.metrics
        assert.ok(eventsIn >= dropped.events && eventsOut >= dropped.results)
        if (way === 'end') assert.deepEqual([dropped, eventsIn], [{ events: 0, results: 0 }, eventsOut])
        assert.equal(fn.metrics.streamsOpen, 0)
      })
    }
  }
})

describe('a value that cannot be read where it goes', () => {
  test('is refused as it is sent, and the stream goes on', async () => {
    const stream = echo().open()
    const wasm = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
    const error = new Error('holds one', { cause: { wasm } })
    for (const [value, field] of [
      [wasm, 'value'],
      [{ list: [1, { wasm }] }, 'value.list[1].wasm'],
      [new Map([['key', wasm]]), 'value.get("key")'],
      [error, 'value.cause.wasm'],
    ]) {
      const refused = (await soon(outcome(stream.send(value)), 'send')).error
      assert.deepEqual([refused?.code, refused?.field], ['VELO_CODEC', field])
    }
    await soon(stream.send('goes on'), 'send')
    assert.equal(await soon(stream.recv(), 'recv'), 'goes on')
    await stream.close()
  })

  test('nested too deep: it is refused, or arrives', async () => {
    const stream = echo().open()
    for (const depth of [10, 999, 1000, 1001, 2000, 2500, 3000, 3500, 4000, 100_000]) {
      const sent = await soon(outcome(stream.send(nested(depth))), `send of ${depth} levels`)
      if (depth > 1000) assert.deepEqual([sent.error?.code, sent.error?.field], ['VELO_CODEC', 'value'], `${depth} levels`)
      else assert.deepEqual(await soon(stream.recv(), 'recv'), nested(depth))
    }
    const tree = []
    for (let n = 0, chain = null; n < 3000; n++) tree.push((chain = { chain }))
    const ends = [tree, [...tree].reverse()]
    for (const value of ends) {
      const sent = await soon(outcome(stream.send(value)), 'send')
      if (sent.error === undefined) assert.equal((await soon(stream.recv(), 'recv')).length, 3000)
      else assert.equal(sent.error.code, 'VELO_CODEC')
    }
    await soon(stream.send('goes on'), 'send')
    assert.equal(await soon(stream.recv(), 'recv'), 'goes on')
    await stream.close()
  })

  test('as a result: the function is told at its yield, and goes on', async () => {
    const stream = echo().open()
    for (const depth of [1000, 1001, 2000, 3000, 4000, 10_000]) {
      await soon(stream.send({ depth }), 'send')
      const result = await soon(stream.recv(), `a result of ${depth} levels`)
      if (depth > 1000) assert.deepEqual(result, { thrown: 'VELO_CODEC' })
      else assert.deepEqual(result, nested(depth))
    }
    await stream.close()
  })
})

describe('a codec of the user', () => {
  test('that throws as it encodes refuses that send, and no other', async () => {
    const stream = echo({ codec }).open()
    for (const event of [1, 'bad', 2]) {
      const { error } = await soon(outcome(stream.send(event)), 'send')
      if (event === 'bad') assert.deepEqual([error.code, error.cause.message], ['VELO_CODEC', 'it cannot be encoded'])
    }
    for (const event of [1, 2]) assert.equal(await soon(stream.recv(), 'recv'), event)
    await stream.close()
  })

  test('that throws as it decodes: what came before is delivered, the function is told, and nobody waits to send more', async () => {
    const stream = echo({ codec, buffer: 2 }).open()
    const sends = [1, 'unreadable', 2, 3, 4, 5, 6].map((event) => outcome(stream.send(event)))
    assert.equal(await soon(stream.recv(), 'recv'), 1)
    assert.deepEqual(await soon(stream.recv(), 'recv'), { thrown: 'VELO_CODEC' })
    await soon(Promise.all(sends), 'the sends')
    assert.deepEqual(await soon(all(stream), 'the rest'), [])
    assert.equal((await soon(stream.closed, 'closed')).reason, 'done')
  })

  test('that throws as a result is decoded fails its stream and no other', async () => {
    const own = { encode: codec.encode, decode: (bytes) => (bytes.length === 1 ? codec.decode(bytes) : codec.decode('"unreadable"')) }
    const fn = echo({ codec: own })
    const [stream, other] = [fn.open(), fn.open()]
    await soon(stream.sendBatch([1, 22]), 'send')
    assert.equal(await soon(stream.recv(), 'recv'), 1)
    assert.equal((await soon(outcome(stream.recv()), 'recv')).error.cause.message, 'it cannot be decoded')
    await soon(other.send(3), 'send')
    assert.equal(await soon(other.recv(), 'recv'), 3)
    await other.close()
    assert.equal((await soon(stream.closed, 'closed')).reason, 'failed')
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('that comes back in as it decodes', async () => {
    for (const back of ['recv', 'recvBatch', 'close', 'abort']) {
      let stream
      const reads = []
      const own = {
        encode: codec.encode,
        decode(bytes) {
          if (reads.length < 3) reads.push(outcome(Promise.resolve(stream[back](back === 'recvBatch' ? 2 : undefined))))
          return codec.decode(bytes)
        },
      }
      const fn = echo({ codec: own })
      stream = fn.open()
      const sends = Array.from({ length: 50 }, (_, n) => outcome(stream.send(n)))
      stream.end()
      const read = outcome(all(stream))
      await soon(Promise.all([...sends, read]), back)
      await soon(Promise.all(reads), back)
      const { dropped } = await soon(stream.closed, 'closed')
      assert.ok(stream.metrics.eventsOut >= dropped.results, back)
      assert.equal(fn.metrics.streamsOpen, 0)
    }
  })
})

describe('onWorkerExit: reopen', () => {
  const obey = (options) =>
    streamFn(new URL('functions/obey.mjs', import.meta.url), {
      placement: 'worker',
      export: 'obey',
      idleTimeout: 0,
      onWorkerExit: 'reopen',
      ...options,
    })

  for (const codec of ['structured', 'json', 'binary']) {
    test(`sends what was accepted, not what became of it (codec ${codec})`, async () => {
      const row = flags()
      const stream = obey({ codec, context: () => row }).open()
      const events = Array.from({ length: 30 }, (_, n) => ({ do: 'echo', value: { n, list: [n, 'text'], text: `text ${n}` } }))
      // Shapes are told before, and its batches dropped.
      for (let n = 0; n < 20; n++) {
        await soon(stream.send({ do: 'echo', value: { n, list: [], text: '' }, more: n }), 'send')
        await soon(stream.recv(), 'recv')
      }
      await soon(stream.send({ do: 'wait' }), 'send')
      await soon(raised(row, Flag.Begun), 'it waits')
      await soon(stream.sendBatch([{ do: 'exit', code: 3 }, ...events]), 'the batch')
      for (const event of events) {
        event.value.n = 'changed'
        event.value.list.length = 0
        delete event.do
      }
      row[Flag.Go] = 1
      Atomics.notify(row, Flag.Go)
      // What was not on its way yet ends with the thread.
      const first = await soon(stream.recv(), 'recv')
      const early = first === 'waited' ? [] : [first]
      const expected = Array.from({ length: 30 }, (_, n) => ({ n, list: [n, 'text'], text: `text ${n}` }))
      for (const value of expected) assert.deepEqual(early.shift() ?? (await soon(stream.recv(), 'recv')), value)
      stream.end()
      const { dropped } = await soon(stream.closed, 'closed')
      assert.deepEqual(dropped, { events: 0, results: 0 })
    })
  }

  test('large and shared buffers are sent again, too', async () => {
    const stream = obey().open()
    const shared = new Int32Array(new SharedArrayBuffer(64))
    const large = new Uint8Array(200_000).fill(7)
    const exit = stream.send({ do: 'exit', code: 3 })
    await soon(
      Promise.all([exit, stream.send({ do: 'echo', value: { shared, large } }), stream.send({ do: 'echo', value: large })]),
      'sends',
    )
    large.fill(1)
    shared[3] = 5
    const result = await soon(stream.recv(), 'recv')
    assert.deepEqual([result.shared.buffer instanceof SharedArrayBuffer, result.shared[3], result.large[0]], [true, 5, 7])
    shared[4] = 6
    assert.equal(result.shared[4], 6)
    assert.equal((await soon(stream.recv(), 'recv'))[199_999], 7)
    await stream.close()
  })

  test('a codec that cannot read what it wrote fails the stream', async () => {
    const stream = echo({ codec: { encode: codec.encode, decode: () => codec.decode('"unreadable"') }, onWorkerExit: 'reopen' }).open()
    await soon(stream.send(1), 'send')
    assert.equal((await soon(outcome(stream.recv()), 'recv')).error.code, 'VELO_CODEC')
    await until(5_000, () => stream.state === 'closed', 'closed')
  })
})

test('it is on its way at once to a function that waits, whatever the caller computes in the same turn', async () => {
  const stream = echo({ export: 'adds' }).open()
  const view = new Int32Array(new SharedArrayBuffer(8))
  let seen = false
  // Whether the function waits already is a race that a result may win.
  for (let tries = 0; tries < 20 && !seen; tries++) {
    await soon(stream.send(view), 'send')
    await soon(stream.recv(), 'recv')
    const before = Atomics.load(view, 0)
    const sent = stream.send(view)
    for (const start = performance.now(); !seen && performance.now() - start < 500; ) seen = Atomics.load(view, 0) > before
    await soon(sent, 'send')
    await soon(stream.recv(), 'recv')
  }
  assert.ok(seen)
  await stream.close()
})

noUnhandledRejections('what send accepted')
