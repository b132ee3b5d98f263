// What a stream tells of itself and its function: id, state, context, name, with(), pipe().

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

describePlacements('a stream', (place) => {
  test('the context: id, name, headers, signal', async () => {
    const probe = place.probe()
    const fn = place(
      async function* (events, ctx) {
        const { id, name, headers, signal } = ctx
        probe.saw({ id, name, headers, aborted: signal.aborted })
        try {
          yield* same(events)
        } finally {
          probe.saw({ same: ctx.signal === signal, aborted: signal.aborted, code: signal.reason?.code })
        }
      },
      { name: 'contextual' },
      { probe, same },
    )
    const headers = { 'content-type': 'text/plain', 'set-cookie': ['a', 'b'] }
    const stream = fn.open({ id: 'mine', headers })
    await stream.send(1)
    assert.deepEqual(await within(1000, probe.next(), 'the start'), { id: 'mine', name: 'contextual', headers, aborted: false })
    assert.equal(stream.id, 'mine')
    await stream.close()
    assert.deepEqual(await within(1000, probe.next(), 'the end'), { same: true, aborted: true, code: 'VELO_CLOSED' })
    await fn.run([1])
    const second = await within(1000, probe.next(), 'the second start')
    assert.deepEqual([second.name, second.headers, second.aborted], ['contextual', {}, false])
    assert.match(second.id, /^contextual-.+-\d+$/)
    assert.equal((await within(1000, probe.next(), 'the second end')).aborted, false)
  })

  test('the function runs on the thread it is placed on', async () => {
    const fn = place(async function* () {
      const { isMainThread, threadId } = await import('node:worker_threads')
      yield { isMainThread, threadId }
    })
    const stream = fn.open()
    stream.end()
    const { isMainThread, threadId } = await within(1000, stream.recv(), 'recv')
    assert.equal(isMainThread, !place.worker)
    assert.equal(stream.metrics.thread, threadId)
    await stream.close()
  })

  test('an id in use is refused, and free again after the end', async () => {
    const [one, other] = [place(same), place(same)]
    const first = one.open({ id: 'unique' })
    for (const fn of [one, other]) assert.throws(() => fn.open({ id: 'unique' }), { code: 'VELO_CONFIG', field: 'open(options).id' })
    assert.equal(one.metrics.streamsOpen + other.metrics.streamsOpen, 1)
    await first.close()
    const second = other.open({ id: 'unique' })
    await second.close()
  })

  test('state: open, ending, closing, closed; waiting before', async () => {
    const fn = place(same, { maxConcurrent: 1, queue: 1 })
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
    const fn = place(same, { name: 'first', maxConcurrent: 1 })
    const other = fn.with({ name: 'second', maxConcurrent: 2 })
    const streams = [fn.open(), other.open(), other.open()]
    assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
    assert.throws(() => other.open(), { code: 'VELO_OVERLOADED' })
    assert.deepEqual([fn.name, other.name, fn.metrics.name, other.metrics.name], ['first', 'second', 'first', 'second'])
    assert.deepEqual([fn.metrics.streamsOpen, other.metrics.streamsOpen], [1, 2])
    for (const stream of streams) await stream.close()
  })

  test('pipe() joins names, takes one permit, and leaves its parts as they are', async () => {
    const one = place(same, { name: 'one' })
    const two = place(same, { name: 'two' })
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
    const stream = place(same).open()
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
    const stream = place(same).open()
    await assert.rejects(stream.recv({ timeout: 50 }), { code: 'VELO_TIMEOUT' })
    await stream.close()
  })

  test('disposal closes, twice is once', async () => {
    const stream = place(same).open()
    await stream[Symbol.asyncDispose]()
    await stream[Symbol.asyncDispose]()
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'closed')
    const results = place(same)([1, 2])
    await results.next()
    await results[Symbol.asyncDispose]()
    assert.deepEqual(await results.next(), { value: undefined, done: true })
  })
})
