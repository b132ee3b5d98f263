// instrument() among hostile things: more than one of it, providers whose every method throws, headers that are no context. No stream suffers, and what can be traced is.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { OverloadedError, streamFn } from 'velo-stream'
import { instrument } from 'velo-stream/telemetry'
import { describePlacements } from '../support/placements.mjs'
import { random } from '../support/random.mjs'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** A provider, and the names of the spans that it got. */
function recorder() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { provider, exporter, names: () => exporter.getFinishedSpans().map(({ name }) => name) }
}

async function* copy(events) {
  for await (const event of events) yield event
}

test('of several the one that came last counts, and the end of another takes nothing from it', async () => {
  const [first, second] = [recorder(), recorder()]
  const endFirst = await instrument({ tracerProvider: first.provider })
  const endSecond = await instrument({ tracerProvider: second.provider })
  await streamFn(copy, { name: 'a' }).run([1])
  assert.deepEqual([first.names(), second.names()], [[], ['stream a']])
  endFirst()
  await streamFn(copy, { name: 'b' }).run([1])
  assert.deepEqual([first.names(), second.names()], [[], ['stream a', 'stream b']])
  const endThird = await instrument({ tracerProvider: first.provider })
  endThird()
  endThird()
  endFirst()
  await streamFn(copy, { name: 'c' }).run([1])
  assert.deepEqual([first.names(), second.names()], [[], ['stream a', 'stream b', 'stream c']])
  endSecond()
  await streamFn(copy, { name: 'd' }).run([1])
  assert.equal(second.names().length, 3)
})

test('a header that cannot be read costs a stream neither its span nor its trace', async () => {
  const { provider, exporter, names } = recorder()
  const end = await instrument({ tracerProvider: provider })
  const headers = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tenant: 'a' }
  for (const name of ['bad', 'baggage']) {
    Object.defineProperty(headers, name, {
      enumerable: true,
      get() {
        throw new Error('not now')
      },
    })
  }
  const tells = streamFn(
    async function* tells(_, ctx) {
      yield [ctx.headers.tenant, ctx.headers.bad]
    },
    { name: 'tells' },
  )
  const stream = tells.open({ headers })
  assert.deepEqual(await stream.recv(), ['a', undefined])
  await stream.close()
  end()
  assert.deepEqual(names(), ['stream tells'])
  const [span] = exporter.getFinishedSpans()
  assert.equal(span.spanContext().traceId, '1'.repeat(32))
  assert.equal(span.links.length, 1)
})

/** What throws, whatever is asked of it; `but` are the members that do not. */
function throwing(what, but = {}) {
  return new Proxy(but, {
    get(target, key) {
      if (key in target || typeof key === 'symbol') return target[key]
      return () => {
        throw new Error(`${what}.${String(key)}`)
      }
    },
  })
}
const spanContext = () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 })
const hostile = {
  'a tracer that throws': () => throwing('tracer'),
  'spans of which every method throws': () => ({ startSpan: () => throwing('span') }),
  'spans that have a context, and nothing else works': () => ({ startSpan: () => throwing('span', { spanContext }) }),
  'spans that are none': () => ({ startSpan: () => undefined }),
}

describePlacements('hostile tracers', (place) => {
  for (const [name, make] of Object.entries(hostile)) {
    test(`streams go on as ever: ${name}`, async () => {
      const warnings = []
      const listener = (warning) => warnings.push(warning)
      process.on('warning', listener)
      const stop = await instrument({ tracerProvider: { getTracer: make } })
      const fn = place(
        async function* odd(events) {
          for await (const event of events) {
            if (event < 0) throw new Error('negative')
            yield event
          }
        },
        { name: `odd ${name}`, maxConcurrent: 1 },
      )
      assert.deepEqual(await fn.run([1, 2]), [1, 2])
      await assert.rejects(fn.run([-1]), /negative/)
      const stream = fn.open({ headers: { accept: 'x' } })
      assert.throws(() => fn.open(), OverloadedError)
      await stream.send(1)
      assert.equal(await stream.recv(), 1)
      stream.abort()
      assert.equal((await stream.closed).reason, 'aborted')
      const results = []
      for await (const result of fn([1, 2])) results.push(result)
      assert.deepEqual(results, [1, 2])
      stop()
      await new Promise(setImmediate)
      process.off('warning', listener)
      const told = warnings.filter(({ code }) => code === 'velo:trace-failed')
      assert.equal(told.length, 1, 'it is told once')
    })
  }
})

test('a context manager or a propagator that throws stops no function, and it runs once', async () => {
  const { provider } = recorder()
  const stop = await instrument({ tracerProvider: provider })
  let runs = 0
  const fn = streamFn(async function* once(events) {
    runs++
    yield* events
  })
  const manager = new AsyncLocalStorageContextManager().enable()
  context.disable()
  context.setGlobalContextManager(throwing('manager', { active: () => manager.active(), disable: () => manager, enable: () => manager }))
  propagation.setGlobalPropagator(throwing('propagator'))
  after(() => propagation.disable())
  assert.deepEqual(await fn.run([1]), [1])
  const stream = fn.open({ headers: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } })
  await stream.send(1)
  assert.equal(await stream.recv(), 1)
  await stream.close()
  assert.equal(runs, 2)
  context.disable()
  propagation.disable()
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  stop()
})

const VALID = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const parent = (version, more = '') => `${version}-${VALID.traceId}-${VALID.spanId}-01${more}`

test('a traceparent that is none is no parent and no link; one of a later version is', async () => {
  const { provider, exporter } = recorder()
  const stop = await instrument({ tracerProvider: provider })
  const fn = streamFn(copy, { name: 'garbage' })
  const spanOf = async (headers) => {
    exporter.reset()
    const stream = fn.open({ headers })
    await stream.close()
    return exporter.getFinishedSpans()[0]
  }
  const { float } = random(11)
  const alphabet = '0123456789abcdef-gA \u0000\ud800,'
  const mutated = () => {
    const text = [...parent('00')]
    for (let change = 0; change < 1 + float() * 3; change++) {
      const at = Math.floor(float() * text.length)
      text[at] = alphabet[Math.floor(float() * alphabet.length)]
    }
    return text.join('')
  }
  const none = [
    '',
    '-',
    'x'.repeat(1e5),
    parent('ff'),
    parent('00', '-more'),
    parent('00', '-'),
    ` ${parent('00')}`,
    parent('00').toUpperCase(),
  ]
  none.push(`00-${'0'.repeat(32)}-${VALID.spanId}-01`, `00-${VALID.traceId}-${'0'.repeat(16)}-01`, `${parent('00')}, ${parent('00')}`)
  none.push([parent('00'), parent('00')], undefined, 5, null, {})
  for (const traceparent of none) {
    const span = await spanOf({ traceparent, tracestate: 'a=1' })
    assert.deepEqual([span.links, span.parentSpanContext], [[], undefined], JSON.stringify(traceparent)?.slice(0, 100))
  }
  for (let round = 0; round < 500; round++) {
    const traceparent = mutated()
    const span = await spanOf({ traceparent }) // none where it says that the trace is not sampled
    if (span !== undefined) assert.ok(trace.isSpanContextValid(span.spanContext()), traceparent)
  }
  for (const traceparent of [parent('00'), parent('01', '-more'), parent('cc')]) {
    const span = await spanOf({ traceparent, tracestate: 'vendor=opaque' })
    assert.equal(span.parentSpanContext.spanId, VALID.spanId, traceparent)
    assert.equal(span.links.length, 1)
  }
  stop()
})

describePlacements('trace state', (place) => {
  test('what vendors say of a trace goes on with it, and not with another one', async () => {
    const { provider } = recorder()
    const stop = await instrument({ tracerProvider: provider })
    const fn = place(
      async function* told(events, ctx) {
        for await (const _ of events) yield { ...ctx.headers }
      },
      { name: 'told' },
    )
    const told = async (headers) => {
      const stream = fn.open({ headers })
      await stream.send(1)
      const seen = await stream.recv()
      await stream.close()
      return seen
    }
    const { traceparent, tracestate } = await told({ traceparent: parent('00'), tracestate: 'vendor=opaque' })
    assert.equal(tracestate, 'vendor=opaque')
    assert.equal(traceparent.split('-')[1], VALID.traceId)
    const other = provider.getTracer('test').startSpan('other')
    const within = await context.with(trace.setSpan(context.active(), other), () =>
      told({ traceparent: parent('00'), tracestate: 'vendor=opaque' }),
    )
    assert.equal(within.traceparent.split('-')[1], other.spanContext().traceId)
    assert.equal(within.tracestate, undefined)
    other.end()
    stop()
  })
})
