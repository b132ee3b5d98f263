// What is delivered again, and what is put aside: functions that throw, processes that died, entries that kill.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { batch } from 'velo-stream/operators'
import { publish, redisSink, redisSource, streamInfo } from 'velo-stream/redis'
import { child } from '../support/child.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { clients, command, consuming, eventually, pendingOf, valuesOf } from './support.mjs'

const [ioredis] = clients

describeServers('deliveries', ({ server }) => {
  let client
  let n = 0
  before(async () => {
    client = await ioredis.make(server().port)
  })

  const range = (count) => Array.from({ length: count }, (_, i) => i)

  test('a function that throws: neighbors pass, the culprit goes aside after maxDeliveries, with the error', async () => {
    const stream = `poison-${n++}`
    await publish(client, stream, range(50))
    const calls = new Map()
    const picky = streamFn(async function* picky(events) {
      for await (const event of events) {
        calls.set(event, (calls.get(event) ?? 0) + 1)
        if (event === 20) throw new RangeError('not 20')
        yield event
      }
    })
    const source = redisSource(client, { stream, group: 'g', maxDeliveries: 3, deadLetter: `${stream}-dead` })
    const { stop } = consuming(picky, { source, sink: redisSink(client, { stream: `${stream}-out` }) })
    await eventually(
      async () => (await streamInfo(client, stream)).pending === 0 && (await valuesOf(client, `${stream}-out`)).length === 49,
    )
    assert.deepEqual(await stop(), { received: 50, acked: 50, results: 49, deadLettered: 1 })
    assert.deepEqual(
      await valuesOf(client, `${stream}-out`),
      range(50).filter((event) => event !== 20),
    )
    assert.equal(calls.get(20), 3)
    const [[, fields]] = await command(client, 'XRANGE', `${stream}-dead`, '-', '+')
    const letter = Object.fromEntries(fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1]]])))
    assert.equal(letter.data, '20')
    assert.deepEqual(
      [letter['velo:stream'], letter['velo:group'], letter['velo:deliveries'], letter['velo:error']],
      [stream, 'g', '3', 'not 20'],
    )
  })

  test('one that throws once is no culprit: everything passes, once', async () => {
    const stream = `once-${n++}`
    await publish(client, stream, range(100))
    let thrown = false
    const flaky = streamFn(async function* flaky(events) {
      for await (const event of events) {
        if (event === 60 && !thrown) {
          thrown = true
          throw new Error('a moment')
        }
        yield event
      }
    })
    const { stop } = consuming(flaky, {
      source: redisSource(client, { stream, group: 'g' }),
      sink: redisSink(client, { stream: `${stream}-out` }),
    })
    await eventually(async () => (await valuesOf(client, `${stream}-out`)).length >= 100)
    assert.deepEqual(await stop(), { received: 100, acked: 100, results: 100, deadLettered: 0 })
    assert.deepEqual(await valuesOf(client, `${stream}-out`), range(100))
  })

  test('in a batch too the culprit alone goes aside', async () => {
    const stream = `batch-${n++}`
    await publish(client, stream, range(40))
    const saved = []
    const save = batch(
      async (events) => {
        if (events.includes(17)) throw new Error('17')
        saved.push(...events)
        return events
      },
      { maxSize: 10 },
    )
    const source = redisSource(client, { stream, group: 'g', maxDeliveries: 2, deadLetter: `${stream}-dead` })
    const { stop } = consuming(save, { source })
    await eventually(async () => (await command(client, 'XLEN', `${stream}-dead`)) === 1 && saved.length >= 37)
    const { deadLettered, acked } = await stop()
    assert.deepEqual([deadLettered, acked], [1, 40])
    assert.deepEqual(
      saved.sort((a, b) => a - b),
      range(40).filter((event) => event !== 17),
    )
  })

  test("without a dead-letter stream consume rejects with the function's error, and with onError: 'stop' at once", async () => {
    const stream = `stop-${n++}`
    await publish(client, stream, [1])
    const error = new Error('mine')
    const failing = streamFn(async function* failing(events) {
      for await (const _ of events) throw error
      yield 1
    })
    const source = () => redisSource(client, { stream, group: 'g', consumer: 'me', maxDeliveries: 2 })
    await assert.rejects(within(10_000, consume(failing, { source: source() })), error)
    assert.equal(await pendingOf(client, stream, 'g'), 1)
    await assert.rejects(within(10_000, consume(failing, { source: source(), onError: 'stop' })), error)
  })

  test('an entry that cannot be read goes aside', async () => {
    const stream = `codec-${n++}`
    await command(client, 'XADD', stream, '*', 'data', '{')
    await publish(client, stream, [1])
    const seen = []
    const take = streamFn(async function* take(events) {
      for await (const event of events) seen.push(event)
    })
    const { stop } = consuming(take, { source: redisSource(client, { stream, group: 'g', deadLetter: `${stream}-dead` }) })
    await eventually(async () => seen.length === 1 && (await pendingOf(client, stream, 'g')) === 0)
    assert.deepEqual(await stop(), { received: 1, acked: 1, results: 0, deadLettered: 1 })
    await assert.rejects(consume(take, { source: redisSource(client, { stream, from: '0' }) }), { code: 'VELO_CODEC' })
  })

  test('one that comes back under its name goes on with what it had', async () => {
    const stream = `back-${n++}`
    await publish(client, stream, range(10))
    await command(client, 'XGROUP', 'CREATE', stream, 'g', '0')
    await command(client, 'XREADGROUP', 'GROUP', 'g', 'me', 'COUNT', '4', 'STREAMS', stream, '>')
    const seen = []
    const take = streamFn(async function* take(entries) {
      for await (const { value, deliveries } of entries) seen.push([value, deliveries])
    })
    const { stop } = consuming(take, { source: redisSource(client, { stream, group: 'g', consumer: 'me', entries: true }) })
    await eventually(async () => seen.length === 10 && (await pendingOf(client, stream, 'g')) === 0)
    await stop()
    assert.deepEqual(
      seen,
      range(10).map((value) => [value, value < 4 ? 2 : 1]),
    )
    const [group] = (await streamInfo(client, stream)).groups
    assert.equal(group.consumers, 1, 'a consumer with a name stays')
  })

  test('entries of a consumer that is not heard of are taken over by one of several, none before its time', async () => {
    const stream = `dead-${n++}`
    await publish(client, stream, range(100))
    await command(client, 'XGROUP', 'CREATE', stream, 'g', '0')
    await command(client, 'XREADGROUP', 'GROUP', 'g', 'gone', 'COUNT', '100', 'STREAMS', stream, '>')
    const since = performance.now()
    const seen = []
    let first = 0
    const take = streamFn(async function* take(events) {
      for await (const event of events) {
        first ||= performance.now()
        seen.push(event)
      }
    })
    const source = () => redisSource(client, { stream, group: 'g', reclaimAfter: 300, block: 50, batch: 10 })
    const both = [consuming(take, { source: source() }), consuming(take, { source: source() })]
    await eventually(async () => seen.length >= 100 && (await pendingOf(client, stream, 'g')) === 0)
    const numbers = await Promise.all(both.map(({ stop }) => stop()))
    assert.ok(first - since >= 295, `${first - since} ms`)
    assert.equal(numbers[0].acked + numbers[1].acked, 100)
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      range(100),
    )
  })

  test('what is in work is not taken over, however long it takes', async () => {
    const stream = `slow-${n++}`
    await publish(client, stream, [1])
    let seen = 0
    let finish
    const done = new Promise((resolve) => {
      finish = resolve
    })
    const slow = streamFn(async function* slow(events) {
      for await (const _ of events) {
        seen++
        await done
      }
    })
    const source = () => redisSource(client, { stream, group: 'g', reclaimAfter: 150, block: 20 })
    const one = consuming(slow, { source: source() })
    await eventually(() => seen === 1)
    const other = consuming(slow, { source: source() })
    const until = performance.now() + 600
    await eventually(async () => (await command(client, 'PING')) && performance.now() > until)
    assert.equal(seen, 1)
    finish()
    const numbers = await Promise.all([one.stop(), other.stop()])
    assert.deepEqual(
      numbers.map(({ acked }) => acked),
      [1, 0],
    )
  })

  test('pending entries that were trimmed away are forgotten', async () => {
    const stream = `trim-${n++}`
    await publish(client, stream, range(10))
    await command(client, 'XGROUP', 'CREATE', stream, 'g', '0')
    await command(client, 'XREADGROUP', 'GROUP', 'g', 'me', 'COUNT', '10', 'STREAMS', stream, '>')
    await command(client, 'XTRIM', stream, 'MAXLEN', '3')
    const seen = []
    const take = streamFn(async function* take(events) {
      for await (const event of events) seen.push(event)
    })
    const { stop } = consuming(take, { source: redisSource(client, { stream, group: 'g', consumer: 'me' }) })
    await eventually(async () => (await pendingOf(client, stream, 'g')) === 0)
    await stop()
    assert.deepEqual(seen, [7, 8, 9])
  })

  /** A process that consumes a stream until nothing of it is left; `body` is what its function does with an `event`. */
  const program = (body, options) => `
    import { Redis } from 'ioredis'
    import { consume, streamFn } from 'velo-stream'
    import { publish, redisSource, streamInfo } from 'velo-stream/redis'
    const client = new Redis(process.argv[1])
    const stream = process.argv[2]
    const stop = new AbortController()
    const fn = streamFn(async function* fn(events) {
      for await (const event of events) {
        await publish(client, stream + '-seen', event)
        ${body}
      }
    })
    const source = redisSource(client, { stream, group: 'g', consumer: 'me', deadLetter: stream + '-dead', ...${JSON.stringify(options)} })
    const running = consume(fn, { source, signal: stop.signal })
    // In one look: between two, everything may have been read.
    const isThrough = ({ pending, lag, groups }) => groups.length > 0 && pending === 0 && lag === 0
    while (!isThrough(await streamInfo(client, stream))) await new Promise(setImmediate)
    stop.abort()
    console.log(JSON.stringify(await running))
    client.disconnect()
  `
  const DIE = "process.kill(process.pid, 'SIGKILL')"

  test('an entry that kills the process goes aside, and its neighbors do not', async () => {
    const stream = `kill-${n++}`
    await publish(client, stream, range(20))
    let ended
    let lives = 0
    do {
      ended = await child(program(`if (event === 9) ${DIE}`, { maxDeliveries: 5 }), { args: [server().url, stream] })
      lives++
    } while (ended.signal === 'SIGKILL' && lives < 10)
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(lives, 6)
    assert.equal(await command(client, 'XLEN', `${stream}-dead`), 1)
    assert.deepEqual(
      [...new Set(await valuesOf(client, `${stream}-seen`))].sort((a, b) => a - b),
      range(20),
    )
  })

  for (const maxDeliveries of [1, 2, 3, 4]) {
    test(`with maxDeliveries ${maxDeliveries} a process that dies takes no entry along that was never executed`, async () => {
      const stream = `never-${n++}`
      await publish(client, stream, range(10))
      let ended
      let lives = 0
      do {
        ended = await child(program(`if (event === 4) ${DIE}`, { maxDeliveries, batch: 10 }), { args: [server().url, stream] })
        lives++
      } while (ended.signal === 'SIGKILL' && lives < 10)
      assert.equal(ended.code, 0, ended.stderr)
      assert.deepEqual(await valuesOf(client, `${stream}-dead`), [4])
      const seen = await valuesOf(client, `${stream}-seen`)
      assert.deepEqual(
        [...new Set(seen)].sort((a, b) => a - b),
        range(10),
      )
      assert.ok(seen.filter((event) => event === 4).length >= maxDeliveries, 'it was executed as often as it may be')
    })
  }

  test('a slow function whose process is restarted again and again loses no entry that was not executed that often', async () => {
    const stream = `slow-${n++}`
    await publish(client, stream, range(10))
    // The process is killed at the first entry that it executes.
    for (let lives = 0; lives < 3; lives++) {
      const { signal } = await child(program(DIE, { maxDeliveries: 3, batch: 10 }), { args: [server().url, stream] })
      assert.equal(signal, 'SIGKILL')
    }
    const { code, stderr } = await child(program('', { maxDeliveries: 3, batch: 10 }), { args: [server().url, stream] })
    assert.equal(code, 0, stderr)
    assert.deepEqual(await valuesOf(client, `${stream}-dead`), [])
    assert.deepEqual([...new Set(await valuesOf(client, `${stream}-seen`))], range(10))
  })
})

noUnhandledRejections('redis deliveries')
