// Results and offsets in one transaction: processes are killed with -9, paused for longer than their session, and join and leave; whoever reads what is committed sees each result once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaSink, kafkaSource } from 'velo-stream/kafka'
import { describeKafka } from '../support/kafka-servers.mjs'
import { random } from '../support/random.mjs'
import { within } from '../support/within.mjs'
import { Hosts } from './hosts.mjs'
import { onTopics, PATIENT, range, started } from './support.mjs'

const SEED = Number(process.env.VELO_SEED ?? 25)
const KILLS = Number(process.env.VELO_KILLS ?? 6)
const HOST = new URL('./hosts/exact.mjs', import.meta.url)

describeKafka(
  'exactly once',
  (server) => {
    const use = onTopics(server, 'exact')

    test('each result is there once, and those of a key in order', { timeout: 300_000 }, async (context) => {
      const [keys, count] = [20, 300]
      const [from, to] = [await use.topic(4), await use.topic(4)]
      const chance = random(SEED)
      const plan = { from, to, source: { groupId: from, sessionTimeout: 1000, drain: 200 } }
      const hosts = new Hosts(HOST, server().address, plan, use.admin)
      await Promise.all([hosts.start(0), hosts.start(1)])
      let at = 0
      let pauses = 0
      for (let kill = 0; kill < KILLS; kill++) {
        await hosts.share()
        const next = Math.min(count, at + Math.ceil(count / KILLS))
        const events = range(next - at).flatMap((n) => range(keys).map((key) => ({ key: `k${key}`, n: at + n })))
        await use.store(from, events, { keyOf: ({ key }) => key })
        at = next
        const which = chance.below(2)
        await within(PATIENT, hosts.all[which].ready, 'work of a host')
        if (chance.float() < 0.4) {
          pauses++
          hosts.all[which].child.kill('SIGSTOP')
          await hosts.share([hosts.all[1 - which]])
          hosts.all[which].child.kill('SIGCONT')
        } else {
          await hosts.kill(which)
          await hosts.start(which)
        }
      }
      await use.until(async () => {
        const [ends, done] = [await use.admin.fetchTopicOffsets(from), await use.committed(from, from)]
        return ends.every(({ partition, high }) => done[partition] === Number(high) || high === '0')
      }, 'all committed')
      assert.deepEqual(await hosts.stop(), [0, 0])
      const found = new Map()
      for (const { key, n, part } of await use.valuesOf(to)) {
        if (!found.has(key)) found.set(key, [])
        found.get(key).push(`${n}.${part}`)
      }
      const expected = range(count).flatMap((n) => range(n % 3).map((part) => `${n}.${part}`))
      for (const key of range(keys)) assert.deepEqual(found.get(`k${key}`), expected, `seed ${SEED}, k${key}`)
      context.diagnostic(`seed ${SEED}: ${KILLS - pauses} kills, ${pauses} pauses`)
    })

    test('a producer that is refused while the group leaves the partition where it is: begun anew, each result once', async () => {
      const [from, to] = [await use.topic(), await use.topic()]
      const source = kafkaSource(use.kafka, { topic: from, groupId: from, sessionTimeout: 1000 })
      const sink = kafkaSink(use.kafka, { topic: to, transactional: true })
      const same = async function* (events) {
        for await (const event of events) yield event
      }
      const { stop } = started(same, { source, sink })
      const through = async (begin, end) => {
        await use.store(
          from,
          range(end - begin).map((n) => begin + n),
        )
        await use.until(async () => (await use.committed(from, from))[0] === end, `${end} committed`)
      }
      await through(0, 100)
      // As a broker does that has forgotten the id of a producer, which it does after a week.
      const other = use.kafka.producer({ transactionalId: `velo-stream-${from}-${from}-0`, maxInFlightRequests: 1 })
      await other.connect()
      await (await other.transaction()).abort()
      await other.disconnect()
      await through(100, 200)
      await stop()
      assert.deepEqual(await use.valuesOf(to), range(200))
    })
  },
  { 'group.min.session.timeout.ms': 500 },
)
