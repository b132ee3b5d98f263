// What a stream tells of itself and its function: id, state, context, name, with(), pipe().

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

test('the context: id, name, headers, signal', async () => {
  const seen = []
  const fn = streamFn(
    async function* (events, ctx) {
      seen.push(ctx)
      yield* same(events)
    },
    { name: 'contextual' },
  )
  const headers = { 'content-type': 'text/plain', 'set-cookie': ['a', 'b'] }
  const stream = fn.open({ id: 'mine', headers })
  await stream.send(1)
  const [ctx] = seen
  assert.deepEqual([ctx.id, ctx.name, ctx.headers, ctx.signal.aborted], ['mine', 'contextual', headers, false])
  assert.equal(stream.id, 'mine')
  assert.equal(ctx.signal, ctx.signal)
  await stream.close()
  assert.equal(ctx.signal.aborted, true)
  assert.equal(ctx.signal.reason.code, 'VELO_CLOSED')
  await fn.run([1])
  assert.deepEqual(seen[1].headers, {})
  assert.match(seen[1].id, /^contextual-.+-\d+$/)
  assert.equal(seen[1].signal.aborted, false)
})

test('an id in use is refused, and free again after the end', async () => {
  const [one, other] = [streamFn(same), streamFn(same)]
  const first = one.open({ id: 'unique' })
  for (const fn of [one, other]) assert.throws(() => fn.open({ id: 'unique' }), { code: 'VELO_CONFIG', field: 'open(options).id' })
  assert.equal(one.metrics.streamsOpen + other.metrics.streamsOpen, 1)
  await first.close()
  const second = other.open({ id: 'unique' })
  await second.close()
})

test('state: open, ending, closing, closed; waiting before', async () => {
  const fn = streamFn(same, { maxConcurrent: 1, queue: 1 })
  const stream = fn.open()
  const waiting = fn.open()
  assert.deepEqual([stream.state, waiting.state], ['open', 'waiting'])
  await stream.send(1)
  stream.end()
  assert.equal(stream.state, 'ending')
  const closing = stream.close()
  assert.equal(stream.state, 'closing')
  await closing
  assert.equal(stream.state, 'closed')
  await within(1000, waiting.send(2), 'the send that waited')
  assert.equal(waiting.state, 'open')
  await waiting.close()
})

test('with() makes another function with limits, name and metrics of its own', async () => {
  const fn = streamFn(same, { name: 'first', maxConcurrent: 1 })
  const other = fn.with({ name: 'second', maxConcurrent: 2 })
  const streams = [fn.open(), other.open(), other.open()]
  assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
  assert.throws(() => other.open(), { code: 'VELO_OVERLOADED' })
  assert.deepEqual([fn.name, other.name, fn.metrics.name, other.metrics.name], ['first', 'second', 'first', 'second'])
  assert.deepEqual([fn.metrics.streamsOpen, other.metrics.streamsOpen], [1, 2])
  for (const stream of streams) await stream.close()
})

test('pipe() joins names, takes one permit, and leaves its parts as they are', async () => {
  const one = streamFn(same, { name: 'one' })
  const two = streamFn(same, { name: 'two' })
  const piped = one.pipe(two).pipe(async function* three(events) {
    for await (const event of events) yield `${event}!`
  })
  assert.equal(piped.name, 'one|two|three')
  const stream = piped.open()
  await stream.send(1)
  assert.equal(await stream.recv(), '1!')
  assert.deepEqual([piped.metrics.streamsOpen, one.metrics.streamsOpen, two.metrics.streamsOpen], [1, 0, 0])
  await stream.close()
  assert.deepEqual(await two.pipe(one).run([1]), [1])
})

test('recv with a timeout or a signal loses nothing', async () => {
  const stream = streamFn(same).open()
  await assert.rejects(within(1000, stream.recv({ timeout: 15 }), 'recv'), { code: 'VELO_TIMEOUT' })
  const controller = new AbortController()
  const read = stream.recv({ signal: controller.signal })
  controller.abort('changed my mind')
  await assert.rejects(read, { name: 'AbortError', cause: 'changed my mind' })
  await stream.sendBatch(['a', 'b'])
  assert.deepEqual([await stream.recv({ timeout: 1000 }), await stream.recv({ signal: new AbortController().signal })], ['a', 'b'])
  await stream.close()
})

test('rule 18: a test that waits for nothing but a timer of the library is not cancelled by node:test', async () => {
  const stream = streamFn(same).open()
  await assert.rejects(stream.recv({ timeout: 50 }), { code: 'VELO_TIMEOUT' })
  await stream.close()
})

test('disposal closes, twice is once', async () => {
  const stream = streamFn(same).open()
  await stream[Symbol.asyncDispose]()
  await stream[Symbol.asyncDispose]()
  assert.equal((await stream.closed).reason, 'closed')
  const results = streamFn(same)([1, 2])
  await results.next()
  await results[Symbol.asyncDispose]()
  assert.deepEqual(await results.next(), { value: undefined, done: true })
})
