// Rule 14 for pipelines that the server makes: the limits of each function hold, wherever in them it stands, and every place comes back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { holding, noStreams, post, posting, serving, twice, values, webSocket } from './service.mjs'

const code = ({ text }) => JSON.parse(text).error.code
const refused = async (url) => {
  const answer = await post(url, '1\n')
  assert.deepEqual([answer.status, code(answer), answer.headers.get('retry-after')], [503, 'VELO_OVERLOADED', '1'], url)
}

/** A function of one place that holds each of its streams until it is let go. */
function narrow(options = {}) {
  const held = holding()
  return { ...held, fn: streamFn(held.hold, { name: 'narrow', maxConcurrent: 1, ...options }) }
}

const places = (fn) => [fn.metrics.streamsOpen, fn.metrics.streamsWaiting, fn.metrics.streamsDetached]
const free = (fn) => until(20_000, () => places(fn).every((count) => count === 0), 'its places are free')

for (const path of ['narrow', 'narrow|wide', 'wide|narrow', 'wide|narrow|wide'])
  test(`${path}: its place is taken for every other path, and comes back`, async () => {
    const { fn, began, letGo } = narrow()
    const wide = streamFn(twice, { name: 'wide' })
    const { url, port } = await serving({ functions: { narrow: fn, wide }, pipelines: true })
    const first = posting(port, `/fn/${path}`)
    first.write('1\n')
    await within(20_000, began, 'it began')
    for (const other of ['narrow', 'narrow|wide', 'wide|narrow', 'wide|narrow|wide']) await refused(`${url}/fn/${other}`)
    assert.equal((await post(`${url}/fn/wide|wide`, '1\n')).status, 200)
    assert.deepEqual(places(fn), [1, 0, 0])
    letGo()
    first.end()
    assert.equal((await first.ended()).status, 200)
    await free(fn)
    assert.equal((await post(`${url}/fn/wide|narrow`, '')).status, 200)
  })

test('a pipeline with a name keeps the limits of its functions, too', async () => {
  const { fn, began, letGo } = narrow()
  const { url, port } = await serving({ functions: { narrow: fn, twice }, pipelines: { named: ['twice', 'narrow'] } })
  const first = posting(port, '/fn/narrow')
  await within(20_000, began, 'it began')
  await refused(`${url}/fn/named`)
  const metrics = await (await within(20_000, fetch(`${url}/metrics`), '/metrics')).text()
  assert.match(metrics, /^velo_streams_refused_total\{function="named",placement="local"\} 1$/m)
  letGo()
  first.end()
  await first.ended()
  assert.equal((await post(`${url}/fn/named`, '')).status, 200)
})

test('in line it waits for whichever function is full, and is served when that has room', async () => {
  const { fn, began, letGo } = narrow({ queue: 1 })
  const wide = streamFn(twice, { name: 'wide', queue: 9 })
  const { url, port } = await serving({ functions: { narrow: fn, wide }, pipelines: true })
  const first = posting(port, '/fn/narrow')
  await within(20_000, began, 'it began')
  const waiting = post(`${url}/fn/wide|narrow`, '4\n')
  await until(20_000, () => fn.metrics.streamsWaiting === 1, 'it stands in line')
  for (const path of ['narrow', 'narrow|wide', 'wide|narrow']) await refused(`${url}/fn/${path}`)
  // Who needs what is free passes.
  assert.equal((await post(`${url}/fn/wide`, '1\n')).text, '2\n')
  letGo()
  first.end()
  await first.ended()
  const { status, text } = await waiting
  assert.deepEqual([status, values(text)], [200, ['began', 'let go', 8]])
  await free(fn)
})

test('the same function twice takes two places; more than there are is refused', async () => {
  const two = streamFn(twice, { name: 'two', maxConcurrent: 2, queue: 5 })
  const { url } = await serving({ functions: { two }, pipelines: true })
  assert.equal((await post(`${url}/fn/two|two`, '1\n')).text, '4\n')
  await refused(`${url}/fn/two|two|two`)
  await free(two)
})

test('the strictest maxDuration and maxStall of its functions hold', async () => {
  const brief = streamFn(twice, { name: 'brief', maxDuration: 50 })
  const long = streamFn(twice, { name: 'long', maxDuration: 600_000 })
  const { port } = await serving({ functions: { brief, long }, pipelines: true })
  for (const path of ['long|brief', 'brief|long', 'long|long|brief']) {
    const first = posting(port, `/fn/${path}`)
    first.write('1\n')
    assert.match((await first.ended()).text, /VELO_TIMEOUT/, path)
  }
})

test('however it ends, the places come back: failed, gone, cut, by WebSocket', async () => {
  const fails = deferred()
  async function* failing(events) {
    for await (const event of events) {
      if (event === 'fail') throw new Error('as asked')
      yield event
      fails.resolve()
    }
  }
  const tail = streamFn(failing, { name: 'tail', maxConcurrent: 1 })
  const { url, port } = await serving({ functions: { pass: streamFn(failing, { name: 'pass' }), tail }, pipelines: true })
  assert.match((await post(`${url}/fn/pass|tail`, '1\n"fail"\n')).text, /"error"/)
  await free(tail)
  const gone = posting(port, '/fn/pass|tail')
  gone.write('1\n')
  await gone.until('1\n')
  assert.equal(tail.metrics.streamsOpen, 1)
  gone.req.destroy()
  await free(tail)
  const socket = webSocket(`${url}/fn/pass|tail`)
  await socket.opened()
  socket.send(1)
  assert.deepEqual(await socket.count(1), [1])
  await refused(`${url}/fn/tail`)
  socket.socket.terminate()
  await free(tail)
  const unread = webSocket(`${url}/fn/pass|tail`)
  await unread.opened()
  unread.socket.close()
  await unread.closed()
  await free(tail)
  await noStreams()
})

test('a function that does not finish is detached at each of its limits, and closes them to pipelines as well', async () => {
  const go = deferred()
  const began = deferred()
  async function* stuck(events) {
    for await (const event of events) {
      began.resolve()
      await go.promise
      yield event
    }
  }
  const options = { maxConcurrent: 1, closeTimeout: 20 }
  const fn = streamFn(stuck, { name: 'stuck', ...options })
  const { url, port } = await serving({ functions: { stuck: fn, pass: streamFn(twice, { name: 'pass', ...options }) }, pipelines: true })
  const gone = posting(port, '/fn/pass|stuck')
  gone.write('1\n')
  await within(20_000, began.promise, 'it began')
  gone.req.destroy()
  await until(20_000, () => fn.metrics.streamsDetached === 1, 'it is detached')
  for (const path of ['stuck', 'pass|stuck', 'pass']) await refused(`${url}/fn/${path}`)
  go.resolve()
  await free(fn)
  assert.equal((await post(`${url}/fn/pass|stuck`, '1\n')).text, '2\n')
})

test('pipelines of clients that come and go leave nothing behind', async () => {
  const functions = Object.fromEntries([...'abcde'].map((name) => [name, streamFn(twice, { name, maxConcurrent: 3, queue: 50 })]))
  const { url } = await serving({ functions, pipelines: true })
  let seed = 11
  const any = (count) => (seed = (seed * 48_271) % 2_147_483_647) % count
  const path = () => Array.from({ length: 1 + any(3) }, () => 'abcde'[any(5)]).join('|')
  const answers = await Promise.all(Array.from({ length: 60 }, () => post(`${url}/fn/${path()}`, '1\n2\n')))
  for (const { status, text } of answers) assert.deepEqual([status, values(text).length], [200, 2])
  for (const fn of Object.values(functions)) await free(fn)
  const labels = await (await within(20_000, fetch(`${url}/metrics`), '/metrics')).text()
  assert.doesNotMatch(labels, /function="[^"]*[a-e]\|/)
})

noUnhandledRejections('joined functions')
