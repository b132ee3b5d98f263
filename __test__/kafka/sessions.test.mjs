// Sessions of keys on Kafka: state, results and offsets in one transaction, partitions that go from process to process, and every fault there is between.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { streamFn } from 'velo-stream'
import { kafkaSessions } from 'velo-stream/kafka'
import { metricsText } from 'velo-stream/telemetry'
import { chain } from '../nats/hosts/function.mjs'
import { clientOf, describeKafka, makeTopics, startKafka } from '../support/kafka-servers.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'
import { onTopics, PATIENT, range, recordsOf } from './support.mjs'

const HOST = fileURLToPath(new URL('./hosts/sessions.mjs', import.meta.url))
const QUICK = { sessionTimeout: 1000 }

/** A process that works, killed at the end of the file. */
async function host(server, options) {
  const child = fork(HOST, [server.address, JSON.stringify({ ...QUICK, ...options })], { execArgv: [] })
  leftover(() => child.kill('SIGKILL'))
  await within(PATIENT, once(child, 'message'), 'the start of a host')
  return {
    child,
    async metrics() {
      child.send('metrics')
      const [metrics] = await within(PATIENT, once(child, 'message'), 'metrics')
      return metrics
    },
    async kill() {
      child.kill('SIGKILL')
      await within(PATIENT, once(child, 'exit'), 'the end of a host')
    },
    async stop() {
      child.send('stop')
      await within(PATIENT, once(child, 'exit'), 'the end of a host')
    },
  }
}

async function working(kafka, options) {
  const sessions = kafkaSessions(kafka, { fn: chain, ...QUICK, ...options })
  leftover(() => sessions.stop())
  await within(PATIENT, sessions.work(), 'work')
  return sessions
}

/** Looks until `check()` answers something that is true; lets the process work between two looks. */
async function until(check, what) {
  let isOver = false
  const looks = async () => {
    while (!isOver) {
      const found = await check()
      if (found) return found
      await new Promise(setImmediate)
    }
  }
  try {
    return await within(PATIENT, looks(), what)
  } finally {
    isOver = true
  }
}

/** Each key has given what it was to give, once and in order. */
function assertWhole(results, keys, count) {
  const byKey = new Map()
  for (const result of results) {
    const key = String(result.key)
    if (!byKey.has(key)) byKey.set(key, [])
    byKey.get(key).push(result)
  }
  assert.deepEqual([...byKey.keys()].sort(), [...keys].sort())
  for (const list of byKey.values()) {
    const values = list.map(({ value }) => JSON.parse(value))
    assert.deepEqual(
      values.map(({ n, wrong }) => wrong ?? n),
      range(count),
    )
    assert.deepEqual(
      list.map(({ headers }) => Number(headers['Velo-Index'])),
      range(count),
    )
    assert.equal(values.at(-1).sum, (count * (count - 1)) / 2)
  }
}

/** Where the event of a message lies. */
const placeOf = ({ headers }) => Number(headers['Velo-Offset'])

const keysOf = (count) => range(count).map((n) => `k${n}`)

describeKafka(
  'sessions of keys on Kafka',
  (server) => {
    const use = onTopics(server, 'sessions')

    /** Topics and a group of its own. */
    async function fresh(partitions = 4) {
      const [events, results] = [await use.topic(partitions), await use.topic(2)]
      return { events, results, groupId: `${events}-group` }
    }

    /** Events `{ n }` of all keys, in turn. */
    const store = (topic, keys, from, count) =>
      use.store(
        topic,
        range(count).flatMap((n) => keys.map((key) => ({ key, n: from + n }))),
        { keyOf: ({ key }) => key },
      )

    const endOf = async (topic) => (await use.admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0)

    /** All results, once there are so many; nothing more may come after. */
    async function resultsOf({ results }, count) {
      let found = []
      await until(async () => {
        // Ends of transactions have offsets, too.
        if ((await endOf(results)) < count) return false
        found = await use.records(results)
        return found.length >= count
      }, `${count} results`)
      assert.equal(found.length, count)
      return found
    }

    test('each key has a session, whose results come once and in order, with its state beside them', async () => {
      const topics = await fresh()
      const sessions = await working(use.kafka, { ...topics, idle: 100 })
      const keys = keysOf(20)
      const offsets = await Promise.all(keys.map((key) => sessions.send(key, ...range(50).map((n) => ({ n })))))
      for (const list of offsets)
        assert.deepEqual(
          list,
          range(50).map((n) => list[0] + n),
        )
      assertWhole(await resultsOf(topics, 1000), keys, 50)
      const { results, deadLetters, takeovers } = sessions.metrics
      assert.deepEqual([results, deadLetters, takeovers], [1000, 0, 0])
      // How far it is, is told to the group as well.
      const ends = (await use.admin.fetchTopicOffsets(topics.events)).sort((a, b) => a.partition - b.partition)
      assert.deepEqual(
        await use.committed(topics.groupId, topics.events),
        ends.map(({ high }) => Number(high)),
      )
      await sessions.stop()
    })

    test('an instance that was idle is closed, and its state is where it was; of one that has returned nothing is kept', async () => {
      const topics = await fresh(1)
      const sessions = await working(use.kafka, { ...topics, idle: 100 })
      const hosted = () => Number(/^velo_cluster_sessions_hosted\{cluster="[^"]*"\} (\d+)$/m.exec(metricsText())?.[1])
      await sessions.send('a', { n: 0 }, { n: 1 })
      await sessions.send('b', { n: 0 })
      await until(() => sessions.metrics.results === 3, 'results')
      await until(() => hosted() === 0, 'nobody here')
      await sessions.send('a', { n: 2 })
      await sessions.send('b', { n: 1, what: 'return' })
      await until(() => sessions.metrics.results === 5, 'results')
      const kept = async () => {
        const records = await use.records(`${topics.groupId}-state`)
        return new Map(records.map(({ key, value }) => [String(key), value]))
      }
      const states = await until(async () => {
        const states = await kept()
        return states.get('b') === null && states
      }, 'nothing of b')
      assert.ok(states.get('a').length > 0)
      await sessions.send('b', { n: 0 })
      const values = (await resultsOf(topics, 6)).map(({ value }) => JSON.parse(value)).filter(({ key }) => key === 'b')
      assert.deepEqual(
        values.map(({ n, sum }) => [n, sum]),
        [
          [0, 0],
          [1, 1],
          [0, 0],
        ],
      )
      await sessions.stop()
    })

    test('what cannot be done is tried again, and put aside with what was wrong; its neighbors go on', async () => {
      const topics = await fresh(1)
      const sessions = await working(use.kafka, { ...topics, maxDeliveries: 3 })
      await sessions.send('k', { n: 0 })
      const send = (key, value) => use.producer.send({ topic: topics.events, messages: [{ key, value, headers: { from: 'test' } }] })
      await send('k', 'no JSON')
      await send(null, '{"n":0}')
      await sessions.send('k', { n: 1, what: 'throw' }, { n: 1 }, { n: 2, what: 'formless' }, { n: 2 })
      await sessions.send('other', { n: 0 }, { n: 1 }, { n: 2 })
      assertWhole(await resultsOf(topics, 6), ['k', 'other'], 3)
      await until(() => sessions.metrics.deadLetters === 4, 'four put aside')
      // Of one key they are in order; keys are not.
      const dead = (await use.records(`${topics.groupId}-dead`)).sort((a, b) => placeOf(a) - placeOf(b))
      assert.deepEqual(
        dead.map(({ key, value, headers }) => [String(key), String(value), String(headers['Velo-Offset']), headers.from && 'test']),
        [
          ['k', 'no JSON', '1', 'test'],
          ['null', '{"n":0}', '2', 'test'],
          ['k', '{"n":1,"what":"throw"}', '3', undefined],
          ['k', '{"n":2,"what":"formless"}', '5', undefined],
        ],
      )
      for (const [at, error] of [/JSON/, /key/, /event 1 cannot be done/, /BigInt/].entries())
        assert.match(String(dead[at].headers['Velo-Error']), error)
      await sessions.stop()
    })

    test('what the broker takes no message of is put aside, not tried for ever', async () => {
      const topics = await fresh(1)
      const fat = streamFn(
        async function* fat(events, ctx) {
          for await (const { n, size } of events) {
            ctx.state.n = n
            yield { key: ctx.id, n, sum: 0, fill: 'x'.repeat(size) }
          }
        },
        { state: { initial: () => ({ n: -1 }), version: 1 } },
      )
      const sessions = await working(use.kafka, { ...topics, fn: fat })
      await sessions.send('a', { n: 0, size: 10 }, { n: 1, size: 2_000_000 }, { n: 2, size: 900_000 }, { n: 3, size: 900_000 })
      const results = await resultsOf(topics, 3)
      assert.deepEqual(
        results.map(({ value }) => JSON.parse(value).n),
        [0, 2, 3],
      )
      assert.equal(sessions.metrics.deadLetters, 1)
      await sessions.stop()
    })

    test('workers that are killed lose nothing, and others take their partitions over', async () => {
      const topics = await fresh()
      const stays = await host(server(), topics)
      const keys = keysOf(16)
      for (const part of range(4)) {
        const goes = await host(server(), topics)
        await store(topics.events, keys, part * 25, 25)
        const { results } = await goes.metrics()
        await until(async () => (await goes.metrics()).results >= results + part * 20, 'work')
        await goes.kill()
      }
      assertWhole(await resultsOf(topics, 1600), keys, 100)
      await until(async () => (await stays.metrics()).partitions === 4, 'all partitions')
      assert.ok((await stays.metrics()).takeovers > 0)
      await stays.stop()
    })

    test('one that stands still is fenced: what it does when it goes on is stored nowhere', async () => {
      const topics = await fresh()
      const first = await host(server(), topics)
      const keys = keysOf(8)
      await store(topics.events, keys, 0, 50)
      await until(async () => (await first.metrics()).results > 100, 'work')
      await store(topics.events, keys, 50, 50)
      first.child.kill('SIGSTOP')
      const second = await host(server(), topics)
      await store(topics.events, keys, 100, 50)
      await until(async () => (await second.metrics()).results > 0, 'a takeover')
      first.child.kill('SIGCONT')
      await store(topics.events, keys, 150, 50)
      assertWhole(await resultsOf(topics, 1600), keys, 200)
      await first.stop()
      await second.stop()
    })

    test('partitions are shared among those who work, and change hands while work goes on', async () => {
      const topics = await fresh()
      const keys = keysOf(32)
      const all = [await working(use.kafka, topics)]
      let part = 0
      const send = () => store(topics.events, keys, part++ * 5, 5)
      const counts = () => all.map(({ metrics }) => metrics.partitions).sort()
      const reach = (wanted) =>
        until(async () => {
          await send()
          return String(counts()) === String(wanted)
        }, `${wanted} partitions`)
      await reach([4])
      all.push(await working(clientOf(server()), topics))
      await reach([2, 2])
      all.push(await working(clientOf(server()), topics))
      await reach([1, 1, 2])
      await within(PATIENT, all.shift().stop(), 'stop')
      await reach([2, 2])
      assertWhole(await resultsOf(topics, 32 * part * 5), keys, part * 5)
      // Nothing was done twice: what was in work was finished first.
      for (const sessions of all) await sessions.stop()
    })

    test('an event that kills processes is put aside, and its neighbors are not', async () => {
      const topics = await fresh(1)
      // There is some progress before each death.
      await use.store(
        topics.events,
        range(20).map((n) => ({ n, what: 'slow', ms: 20 })),
        { keyOf: () => 'a' },
      )
      await use.store(topics.events, [{ n: 0, what: 'exit', ms: 50 }], { keyOf: () => 'b' })
      await store(topics.events, ['a'], 20, 10)
      let deaths = 0
      const isDone = async () =>
        (await use.valuesOf(topics.results)).length === 30 && (await use.records(`${topics.groupId}-dead`)).length > 0
      const keep = async () => {
        for (; ; deaths++) {
          const one = await host(server(), { ...topics, maxDeliveries: 2 })
          const gone = once(one.child, 'exit').then(() => true)
          const isThrough = until(isDone, 'results and what is put aside').then(() => false)
          isThrough.catch(() => {})
          if (!(await Promise.race([gone, isThrough]))) return one
        }
      }
      const last = await within(PATIENT, keep(), 'the last host')
      assert.equal(deaths, 3 + 2)
      assert.equal((await use.records(`${topics.groupId}-dead`)).length, 1)
      assertWhole(await resultsOf(topics, 30), ['a'], 30)
      await last.stop()
    })

    test('a commit of unknown outcome counts as what became of it, with a client that answers no more', async () => {
      const topics = await fresh(2)
      let commits = 0
      const lame = {
        consumer: (config) => use.kafka.consumer(config),
        admin: () => use.kafka.admin(),
        producer(config) {
          const producer = use.kafka.producer(config)
          const transaction = async () => {
            const real = await producer.transaction()
            const commit = async () => {
              commits++
              if (commits % 4 === 0 && commits < 12) throw new Error('not sent')
              await real.commit()
              if (commits % 4 === 2 && commits < 12) throw new Error('sent, and no answer')
            }
            return { ...real, commit, abort: () => new Promise(() => {}) }
          }
          return { ...producer, transaction }
        },
      }
      const sessions = await working(lame, topics)
      const keys = keysOf(4)
      for (const n of range(6)) {
        const before = commits
        await Promise.all(keys.map((key) => sessions.send(key, { n })))
        await until(() => commits > before, 'a commit')
      }
      assertWhole(await resultsOf(topics, 24), keys, 6)
      assert.ok(commits >= 8, `${commits} commits`)
      await sessions.stop()
    })

    test('a broker that is killed and comes back changes nothing', async () => {
      const mortal = await startKafka({ 'group.min.session.timeout.ms': 1000 })
      const kafka = clientOf(mortal)
      const admin = kafka.admin()
      await admin.connect()
      leftover(() => admin.disconnect())
      const topics = { events: 'in', results: 'out', groupId: 'mortal' }
      await makeTopics(admin, [{ topic: 'in', numPartitions: 2 }, { topic: 'out' }])
      const sessions = await working(kafka, topics)
      const keys = keysOf(8)
      for (const part of range(6)) {
        await within(PATIENT, Promise.all(keys.map((key) => sessions.send(key, ...range(10).map((n) => ({ n: part * 10 + n }))))), 'send')
        if (part !== 2) continue
        await mortal.kill()
        await mortal.start()
      }
      await until(() => sessions.metrics.results >= 8 * 60, 'results')
      assertWhole(await recordsOf(kafka, admin, 'out'), keys, 60)
      await sessions.stop()
    })

    test('ten thousand keys over twelve partitions', async () => {
      const topics = await fresh(12)
      const keys = keysOf(10_000)
      await store(topics.events, keys, 0, 3)
      const sessions = await working(use.kafka, topics)
      await until(() => sessions.metrics.results >= 30_000, 'results')
      assertWhole(await resultsOf(topics, 30_000), keys, 3)
      assert.ok(sessions.metrics.commits < 3000, `${sessions.metrics.commits} commits`)
      await sessions.stop()
    })

    test('options and topics are checked', async () => {
      const topics = await fresh(3)
      const field = 'kafkaSessions(kafka, options)'
      const plain = streamFn(async function* plain(events) {
        yield* events
      })
      const good = { ...topics, fn: chain }
      const refused = (options, name) =>
        assert.throws(() => kafkaSessions(use.kafka, { ...good, ...options }), { code: 'VELO_CONFIG', field: `${field}.${name}` })
      assert.throws(() => kafkaSessions({}, good), { code: 'VELO_CONFIG', field: 'kafkaSessions(kafka)' })
      refused({ fn: plain }, 'fn')
      refused({ events: 'a b' }, 'events')
      refused({ results: topics.events }, 'results')
      refused({ state: topics.results }, 'results')
      refused({ sessionTimeout: 10 }, 'sessionTimeout')
      refused({ drain: 6000 }, 'drain')
      assert.throws(() => kafkaSessions(use.kafka, { ...good, group: 'g' }), { code: 'VELO_CONFIG' })
      const rejected = async (options, name) => {
        const sessions = kafkaSessions(use.kafka, { ...good, ...options })
        const error = await within(
          PATIENT,
          sessions.work().then(
            () => undefined,
            (error) => error,
          ),
          'work',
        )
        await sessions.stop()
        assert.deepEqual([error?.code, error?.field], ['VELO_CONFIG', `${field}.${name}`])
        return error.message
      }
      await rejected({ events: 'nowhere' }, 'events')
      await rejected({ results: 'nowhere' }, 'results')
      const state = await use.topic(2)
      assert.match(await rejected({ state }, 'state'), new RegExp(`${topics.events} has, 3; ${state} has 2`))
      const sessions = kafkaSessions(use.kafka, good)
      await assert.rejects(sessions.send('', { n: 0 }), { code: 'VELO_CONFIG', field: 'send(key, ...events).key' })
      await sessions.stop()
      await assert.rejects(sessions.send('a', { n: 0 }), { code: 'VELO_CLOSED' })
      await assert.rejects(sessions.work(), { code: 'VELO_CLOSED' })
    })
  },
  { 'group.min.session.timeout.ms': 1000 },
)
