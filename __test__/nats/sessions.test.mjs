// Sessions of keys on JetStream: state and results in one step, partitions that go from process to process, and every fault there is between.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { natsSessions, natsSource } from 'velo-stream/nats'
import { metricsText } from 'velo-stream/telemetry'
import { connection, describeNats, startNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, host, keysOf, QUICK, resultsOf, working } from './keyed.mjs'
import { eventually, PATIENT, range, valuesOf, way } from './support.mjs'

describeNats('sessions of keys', (server) => {
  test('each key has a session, whose results come once and in order, and whoever asks gets its own', async () => {
    const client = await connection(server().url)
    const sessions = await working(client, { stream: 'asked', idle: 100 })
    const keys = keysOf(20)
    await Promise.all(keys.map((key) => sessions.send(key, ...range(50).map((n) => ({ n })))))
    const asked = await Promise.all(keys.map((key) => sessions.ask(key, { n: 50 }, { timeout: PATIENT })))
    for (const [at, results] of asked.entries()) assert.deepEqual(results, [{ key: keys[at], n: 50, sum: 1275 }])
    // An instance that was idle is closed, and its state is where it was.
    assert.deepEqual(await sessions.ask('k0', { n: 51, what: 'return' }, { timeout: PATIENT }), [{ key: 'k0', n: 51, sum: 1326 }])
    assert.deepEqual(await sessions.ask('k0', { n: 0 }, { timeout: PATIENT }), [{ key: 'k0', n: 0, sum: 0 }])
    const byKey = await resultsOf(client, { stream: 'asked', count: 20 * 51 + 2 })
    assert.deepEqual(
      byKey.get('k0').map(({ index }) => index),
      range(53),
    )
    byKey.get('k0').splice(51)
    assertWhole(byKey, keys, 51)
    const { results, deadLetters } = sessions.metrics
    assert.deepEqual([results, deadLetters], [20 * 51 + 2, 0])
    await sessions.stop()
  })

  test('one whose function wants the next event is seen waiting for that', async () => {
    const client = await connection(server().url)
    const sessions = await working(client, { stream: 'seen' })
    await sessions.ask('k', { n: 0 }, { timeout: PATIENT })
    const waits = () => runtime.inspect({ function: 'chain' }).map(({ id, waitingFor }) => [id, waitingFor])
    // Its result is known before the event is told as taken.
    await eventually(() => waits()[0]?.[1] === 'event', 'everything is stored')
    assert.deepEqual(waits(), [['k', 'event']])
    await sessions.stop()
  })

  test('their numbers are among those of clusters for as long as they are worked on', async () => {
    const client = await connection(server().url)
    const numbers = () =>
      Object.fromEntries([...metricsText().matchAll(/^velo_cluster_(\w+)\{cluster="told"\} (\d+)$/gm)].map(([, ...one]) => one))
    const sessions = await working(client, { stream: 'told', maxDeliveries: 1, lease: 5000 })
    await Promise.all(keysOf(3).map((key) => sessions.ask(key, { n: 0 }, { timeout: PATIENT })))
    await assert.rejects(sessions.ask('k0', { n: 1, what: 'throw' }, { timeout: PATIENT }), { code: 'VELO_ADAPTER' })
    await eventually(() => numbers().lag_events === '0', 'everything is stored')
    const { commits_total: commits, ...others } = numbers()
    assert.equal(Number(commits), sessions.metrics.commits)
    assert.deepEqual(others, {
      sessions_hosted: '3',
      handles_open: '0',
      takeovers_total: '0',
      lag_events: '0',
      dead_letters_total: '1',
      unreplicated_total: '0',
    })
    await sessions.stop()
    assert.deepEqual(numbers(), {})
  })

  test('anybody may publish events, and what cannot be done is put aside', async () => {
    const client = await connection(server().url)
    const sessions = await working(client, { stream: 'open', maxDeliveries: 3 })
    client.publish('open.event.k', '{"n":0}')
    client.publish('open.event.k', 'no JSON')
    await client.flush()
    await assert.rejects(sessions.ask('k', { n: 1, what: 'throw' }, { timeout: PATIENT }), {
      code: 'VELO_ADAPTER',
      message: /event 1 cannot be done/,
    })
    assert.deepEqual(await sessions.ask('k', { n: 1 }, { timeout: PATIENT }), [{ key: 'k', n: 1, sum: 1 }])
    assert.equal(sessions.metrics.deadLetters, 2)
    const dead = []
    for await (const { value, headers } of natsSource(client, {
      stream: 'open',
      subject: 'open.dead.>',
      from: 'all',
      entries: true,
      codec: 'bytes',
    })) {
      dead.push([Buffer.from(value).toString(), headers['Velo-Error']])
      if (dead.length === 2) break
    }
    assert.equal(dead[0][0], 'no JSON')
    assert.match(dead[0][1], /JSON/)
    assert.match(dead[1].join(), /"throw".*event 1 cannot be done/)
    await sessions.stop()
  })

  test('a result that has no form in messages is the fault of its event', async () => {
    const client = await connection(server().url)
    const sessions = await working(client, { stream: 'formless', maxDeliveries: 2 })
    await assert.rejects(sessions.ask('k', { n: 0, what: 'formless' }, { timeout: PATIENT }), { code: 'VELO_ADAPTER', message: /BigInt/ })
    assert.deepEqual(await sessions.ask('k', { n: 0 }, { timeout: PATIENT }), [{ key: 'k', n: 0, sum: 0 }])
    // Not of those beside it, however close they come.
    await sessions.send('k', { n: 1 }, { n: 2 }, { n: 3, what: 'formless' }, { n: 3 }, { n: 4 })
    assert.deepEqual(await sessions.ask('k', { n: 5 }, { timeout: PATIENT }), [{ key: 'k', n: 5, sum: 15 }])
    assert.equal(sessions.metrics.deadLetters, 2)
    assertWhole(await resultsOf(client, { stream: 'formless', count: 6 }), ['k'], 6)
    await sessions.stop()
  })

  test('a worker that is killed loses nothing, and another one takes its partitions over', async () => {
    const client = await connection(server().url)
    const stream = 'killed'
    const [first, second] = [await host(server().url, { stream }), await host(server().url, { stream })]
    const sessions = natsSessions(client, { fn: chain, ...QUICK, stream })
    const keys = keysOf(8)
    for (const part of range(10)) {
      await Promise.all(keys.map((key) => sessions.send(key, ...range(10).map((n) => ({ n: part * 10 + n })))))
      if (part === 4) await first.kill()
    }
    assertWhole(await resultsOf(client, { stream, count: 8 * 100 }), keys, 100)
    // One that was lost with nothing left in it is taken with its next event.
    let n = 100
    await eventually(async () => {
      await Promise.all(keys.map((key) => sessions.send(key, { n })))
      n++
      return (await second.metrics()).partitions === QUICK.partitions
    }, 'all partitions')
    await second.stop()
    await sessions.stop()
  })

  test('one that stands still is fenced: what it does when it goes on is stored nowhere', async () => {
    const client = await connection(server().url)
    const stream = 'paused'
    const first = await host(server().url, { stream })
    const sessions = natsSessions(client, { fn: chain, ...QUICK, stream })
    const keys = keysOf(8)
    const send = (part) => Promise.all(keys.map((key) => sessions.send(key, ...range(50).map((n) => ({ n: part * 50 + n })))))
    await send(0)
    await eventually(async () => (await first.metrics()).results > 100, 'work')
    await send(1)
    first.child.kill('SIGSTOP')
    const second = await host(server().url, { stream })
    await send(2)
    await eventually(async () => (await second.metrics()).results > 0, 'a takeover')
    first.child.kill('SIGCONT')
    await send(3)
    assertWhole(await resultsOf(client, { stream, count: 8 * 200 }), keys, 200)
    await first.stop()
    await second.stop()
    await sessions.stop()
  })

  test('a function that takes longer than the lease, and one that blocks the event loop for longer, store each event once', async () => {
    const client = await connection(server().url)
    const stream = 'slow'
    const [first, second] = [await host(server().url, { stream, lease: 600 }), await host(server().url, { stream, lease: 600 })]
    const sessions = natsSessions(client, { fn: chain, ...QUICK, stream, lease: 600 })
    await Promise.all(
      keysOf(4).map((key, at) =>
        sessions.send(key, ...range(20).map((n) => ({ n, ...(n === 5 && { what: at % 2 === 0 ? 'slow' : 'block', ms: 1200 }) }))),
      ),
    )
    assertWhole(await resultsOf(client, { stream, count: 80 }), keysOf(4), 20)
    await first.stop()
    await second.stop()
    await sessions.stop()
  })

  test('an event that kills processes is put aside, and its neighbors are not', async () => {
    const client = await connection(server().url)
    const stream = 'deadly'
    const options = { stream, partitions: 1, lease: 600, maxDeliveries: 2 }
    const sessions = natsSessions(client, { fn: chain, ...QUICK, ...options })
    // There is some progress before each death.
    await sessions.send('a', ...range(20).map((n) => ({ n, what: 'slow', ms: 20 })))
    await sessions.send('b', { n: 0, what: 'exit', ms: 50 })
    await sessions.send('a', ...range(10).map((n) => ({ n: 20 + n })))
    let deaths = 0
    const isDone = async () =>
      (await valuesOf(client, stream, `${stream}.out.0.a`)).length === 30 &&
      (await valuesOf(client, stream, `${stream}.dead.0.b`)).length > 0
    const keep = async () => {
      for (; ; deaths++) {
        const one = await host(server().url, options)
        const gone = once(one.child, 'exit')
        const isThrough = eventually(isDone, 'results and what is put aside')
        if (await Promise.race([gone.then(() => false), isThrough.then(() => true)])) return one
        isThrough.catch(() => {})
      }
    }
    const last = await within(PATIENT, keep(), 'the last host')
    assert.equal(deaths, 3 + 2)
    assert.equal((await valuesOf(client, stream, `${stream}.dead.0.b`)).length, 1)
    assertWhole(await resultsOf(client, { stream, count: 30 }), ['a'], 30)
    await last.stop()
    await sessions.stop()
  })

  test('partitions are shared among those who work, and given back in order', async () => {
    const client = await connection(server().url)
    const options = { stream: 'shared', lease: 2500 }
    const { stream } = options
    const first = await working(client, options)
    const keys = keysOf(32)
    const send = (part) => Promise.all(keys.map((key) => first.send(key, ...range(5).map((n) => ({ n: part * 5 + n })))))
    let part = 0
    await send(part++)
    await eventually(() => first.metrics.partitions === 4, 'all partitions')
    const second = await working(await connection(server().url), options)
    await eventually(async () => {
      await send(part++)
      return first.metrics.partitions === 2 && second.metrics.partitions === 2
    }, 'two each')
    await first.stop()
    const third = natsSessions(client, { fn: chain, ...QUICK, ...options })
    await Promise.all(keys.map((key) => third.send(key, { n: part * 5 })))
    assertWhole(await resultsOf(client, { stream, count: 32 * (part * 5 + 1) }), keys, part * 5 + 1)
    await second.stop()
    await third.stop()
  })

  test('connections that are cut, and a server that is killed and comes back, change nothing', async () => {
    const mortal = await startNats()
    const road = await way(mortal.url)
    const [client, plain] = [await connection(road.url), await connection(mortal.url)]
    const stream = 'cut'
    const sessions = await working(client, { stream })
    const keys = keysOf(8)
    for (const part of range(20)) {
      await within(PATIENT, Promise.all(keys.map((key) => sessions.send(key, ...range(10).map((n) => ({ n: part * 10 + n }))))))
      if (part % 4 === 1) road.cut()
      if (part !== 10) continue
      await mortal.kill()
      await mortal.start()
    }
    assertWhole(await resultsOf(plain, { stream, count: 8 * 200 }), keys, 200)
    await sessions.stop()
  })

  test('options are checked', async () => {
    const client = await connection(server().url)
    const field = 'natsSessions(connection, options)'
    const plain = streamFn(async function* plain(events) {
      yield* events
    })
    assert.throws(() => natsSessions({}, { fn: chain }), { code: 'VELO_CONFIG', field: 'natsSessions(connection)' })
    assert.throws(() => natsSessions(client, { fn: plain }), { code: 'VELO_CONFIG', field: `${field}.fn` })
    assert.throws(() => natsSessions(client, { fn: chain, partitions: 0 }), { code: 'VELO_CONFIG', field: `${field}.partitions` })
    assert.throws(() => natsSessions(client, { fn: chain, lease: 10 }), { code: 'VELO_CONFIG', field: `${field}.lease` })
    assert.throws(() => natsSessions(client, { fn: chain, part: 1 }), { code: 'VELO_CONFIG' })
    const sessions = natsSessions(client, { fn: chain })
    assert.throws(() => sessions.send('a.b', { n: 0 }), { code: 'VELO_CONFIG', field: 'send(key, ...events).key' })
    await sessions.stop()
    await assert.rejects(sessions.send('a', { n: 0 }), { code: 'VELO_CLOSED' })
  })
})
