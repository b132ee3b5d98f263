// kafkaSource while its group shares partitions anew: members come, go, are stopped and killed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaSource } from 'velo-stream/kafka'
import { describeKafka } from '../support/kafka-servers.mjs'
import { random } from '../support/random.mjs'
import { within } from '../support/within.mjs'
import { Hosts } from './hosts.mjs'
import { counter, onTopics, PATIENT, range, started } from './support.mjs'

const SEED = Number(process.env.VELO_SEED ?? 16)
const KILLS = Number(process.env.VELO_KILLS ?? 6)
const HOST = new URL('./hosts/copy.mjs', import.meta.url)
const QUICK = { 'group.min.session.timeout.ms': 500 }

/** In each key the order is kept: an event comes again only with all after it, or not at all. */
function checkOrder(values, keys, count) {
  const next = new Map()
  for (const { key, n } of values) {
    const expected = next.get(key) ?? 0
    assert.ok(n <= expected, `${key}: ${n} came where ${expected} is the next`)
    next.set(key, Math.max(expected, n + 1))
  }
  for (const key of range(keys)) assert.equal(next.get(`k${key}`), count, `k${key}`)
}

/** Events of keys in turn. */
const events = (keys, from, to) => range(to - from).flatMap((n) => range(keys).map((key) => ({ key: `k${key}`, n: from + n })))
const keyOf = ({ key }) => key

describeKafka(
  'groups',
  (server) => {
    const use = onTopics(server, 'group')

    test('a member that comes gets its share; what is in work is done and committed first, so nothing is done twice', async () => {
      const topic = await use.topic(4)
      const groupId = topic
      const seen = []
      const all = counter(4000, 'all events')
      const member = () => {
        const fn = async function* (events) {
          for await (const event of events) {
            await new Promise(setImmediate)
            seen.push(event)
            all.told()
          }
        }
        return started(fn, { source: kafkaSource(use.kafka, { topic, groupId }) })
      }
      for (const partition of range(4)) await use.store(topic, range(250), { partition })
      const one = member()
      const second = []
      for (let at = 250; at < 1000; at += 250) {
        if (at === 250) second.push(member())
        for (const partition of range(4))
          await use.store(
            topic,
            range(250).map((n) => n + at),
            { partition },
          )
        if (at === 250) await use.until(async () => (await members(use, groupId)) === 2, 'the second member')
      }
      await all.reached()
      const told = await Promise.all([one.stop(), second[0].stop()])
      assert.equal(seen.length, 4000)
      assert.ok(
        told.every(({ acked }) => acked > 0),
        JSON.stringify(told),
      )
      assert.deepEqual(await use.committed(groupId, topic), [1000, 1000, 1000, 1000])
    })

    test('an event that takes longer than the session may be silent is not delivered again', async () => {
      const topic = await use.topic(2)
      for (const partition of range(2)) await use.store(topic, range(3), { partition })
      const seen = []
      const all = counter(6, 'all events')
      const fn = async function* (events) {
        for await (const event of events) {
          // The time is the fault.
          if (event === 1) await new Promise((resolve) => setTimeout(resolve, 2500))
          seen.push(event)
          all.told()
        }
      }
      const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic, sessionTimeout: 1000 }) })
      await all.reached()
      await running.stop()
      assert.deepEqual(seen.sort(), [0, 0, 1, 1, 2, 2])
    })

    test('what is not done when the time for that is over comes again where the partition goes', async () => {
      const topic = await use.topic(2)
      const groupId = topic
      for (const partition of range(2)) await use.store(topic, range(5), { partition })
      const gates = []
      const stuck = counter(2, 'two events that are stuck')
      const aborted = counter(1, 'the end of the instance whose partition went')
      const slow = async function* (events, ctx) {
        try {
          for await (const event of events) {
            if (event !== 2) continue
            stuck.told()
            await new Promise((resolve) => {
              gates.push(resolve)
              ctx.signal.addEventListener('abort', resolve)
            })
          }
        } finally {
          if (ctx.signal.aborted) aborted.told()
        }
      }
      const one = started(slow, { source: kafkaSource(use.kafka, { topic, groupId, drain: 100 }) })
      await stuck.reached()
      const seen = []
      const rest = counter(3, 'what was not done')
      const quick = async function* (events) {
        for await (const event of events) {
          seen.push(event)
          rest.told()
        }
      }
      const two = started(quick, { source: kafkaSource(use.kafka, { topic, groupId }) })
      await rest.reached()
      await aborted.reached()
      assert.deepEqual(seen, [2, 3, 4])
      for (const open of gates) open()
      await use.until(async () => (await use.committed(groupId, topic)).every((offset) => offset === 5), 'all committed')
      // The one that stayed went on where it was.
      assert.equal((await one.stop()).acked, 5 + 2)
      await two.stop()
    })

    test('processes killed with -9 and paused: nothing is lost, and each key keeps its order', { timeout: 200_000 }, async (context) => {
      const [keys, count] = [30, 400]
      const [from, to] = [await use.topic(6), await use.topic(6)]
      const chance = random(SEED)
      const plan = { from, to, source: { groupId: from, sessionTimeout: 1000, drain: 200 } }
      const hosts = new Hosts(HOST, server().address, plan, use.admin)
      await Promise.all([hosts.start(0), hosts.start(1)])
      let at = 0
      for (let kill = 0; kill < KILLS; kill++) {
        // Each has its share when there is something to do.
        await hosts.share()
        const next = Math.min(count, at + Math.ceil(count / KILLS))
        await use.store(from, events(keys, at, next), { keyOf })
        at = next
        const which = chance.below(2)
        const victim = hosts.all[which]
        await within(PATIENT, victim.ready, 'work of a host')
        if (chance.float() < 0.3) {
          // Longer than the session: others have its partitions when it goes on.
          victim.child.kill('SIGSTOP')
          await hosts.share([hosts.all[1 - which]])
          victim.child.kill('SIGCONT')
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
      const values = await use.valuesOf(to)
      checkOrder(values, keys, count)
      context.diagnostic(`seed ${SEED}: ${values.length - keys * count} of ${keys * count} came twice`)
    })
  },
  QUICK,
)

/** How many members a group has that have partitions. */
async function members({ admin }, groupId) {
  const { groups } = await admin.describeGroups([groupId])
  return groups[0].state === 'Stable' ? groups[0].members.length : 0
}
