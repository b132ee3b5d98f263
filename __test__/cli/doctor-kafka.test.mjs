// What `velo doctor --kafka` says of brokers, topics and groups.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findingsOf } from '../../target/js/cli/doctor/kafka.js'
import { onTopics, PATIENT, range } from '../kafka/support.mjs'
import { clientOf, describeKafka, startSecond } from '../support/kafka-servers.mjs'
import { pem } from '../support/pem.mjs'
import { within } from '../support/within.mjs'
import { velo } from './command.mjs'

const CALM = { 'auto.create.topics.enable': false }
const HASTY = {
  'auto.create.topics.enable': true,
  'offsets.retention.minutes': 60,
  'transaction.max.timeout.ms': 30_000,
}

/** As a file of properties takes it. */
function oneLine(name) {
  return String(pem(name)).replaceAll('\n', '\\n')
}

async function looked(server, ...args) {
  const { code, out, err } = await velo(['doctor', '--json', '--kafka', server.address, ...args])
  assert.equal(err, '')
  const found = JSON.parse(out).findings.filter(({ name }) => ['kafka', 'broker', 'topic', 'group'].includes(name))
  return { code, levels: found.map(({ name, level }) => `${name} ${level}`), says: found.map(({ says }) => says) }
}

/** Says what was said, one by one, in this order. */
function matches(says, patterns) {
  assert.equal(says.length, patterns.length, says.join('\n'))
  for (const [at, pattern] of patterns.entries()) assert.match(says[at], pattern)
}

describeKafka(
  'velo doctor --kafka',
  (server) => {
    const use = onTopics(server, 'doctor')

    test('brokers that make topics, forget groups and refuse transactions; topics that lose messages', async () => {
      const short = {
        'retention.ms': '3600000',
        'cleanup.policy': 'compact,delete',
        'max.message.bytes': '100000',
        'unclean.leader.election.enable': 'true',
      }
      const [plain, hasty] = [await use.topic(3), await use.topic(1, short)]
      const { code, levels, says } = await looked(server(), '--topic', plain, '--topic', hasty, '--topic', 'not-there')
      assert.equal(code, 1)
      assert.deepEqual(levels, [
        'kafka ok',
        ...Array(3).fill('broker warn'),
        'topic ok',
        'topic warn',
        'topic ok',
        ...Array(5).fill('topic warn'),
        'topic fail',
      ])
      matches(says, [
        /^1 broker in the cluster/,
        /^auto\.create\.topics\.enable is on/,
        /^offsets\.retention\.minutes: .* 1 h begins anew/,
        /^transaction\.max\.timeout\.ms is 30000/,
        /has 3 partitions$/,
        /has one replica/,
        /has 1 partition$/,
        /has one replica/,
        /unclean\.leader\.election\.enable/,
        /cleanup\.policy is compact,delete/,
        /retention\.ms: .* after 1 h is lost/,
        /max\.message\.bytes is 100000/,
        /^not-there: /,
      ])
      // Nothing was made by asking.
      assert.ok(!(await use.admin.listTopics()).includes('not-there'))
    })

    test('a group that nobody is in, that lost messages, and one with too many members', async () => {
      const topic = await use.topic(2)
      const asked = (...args) => looked(server(), ...args).then(({ says }) => says.filter((one) => /^(gone|many|none)\b/.test(one)))
      matches(await asked('--group', 'none', '--topic', topic), [/^none has no members, and has committed nothing/])
      await use.store(topic, range(10), { partition: 0 })
      await use.store(topic, range(5), { partition: 1 })
      const partitions = [0, 1].map((partition) => ({ partition, offset: '2' }))
      await use.admin.setOffsets({ groupId: 'gone', topic, partitions })
      matches(await asked('--group', 'gone'), [
        /^gone has 0 members and is 11 messages behind/,
        /^gone has no members, and 11 messages wait/,
      ])
      await use.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
      matches(await asked('--group', 'gone'), [
        /^gone has 0 members and is 7 messages behind/,
        /^gone has no members, and 7 messages wait/,
        new RegExp(`^gone: 4 messages of ${topic}/0 were gone before they were read \\(2 is next, 6 the first`),
      ])
      const members = await Promise.all(
        range(3).map(async () => {
          const consumer = use.kafka.consumer({ groupId: 'many' })
          await consumer.connect()
          await consumer.subscribe({ topic, fromBeginning: true })
          await consumer.run({ eachMessage: async () => {} })
          return consumer
        }),
      )
      const whole = async () => {
        const [{ state, members: all }] = (await use.admin.describeGroups(['many'])).groups
        return state === 'Stable' && all.length === members.length
      }
      await use.until(whole, 'a group of three')
      await use.until(async () => (await use.committed('many', topic)).join() === '10,5', 'what they have read')
      matches(await asked('--group', 'many', '--topic', topic), [
        /^many has 3 members and is 0 messages behind/,
        /^many has more members than partitions \(2\): 1 of them/,
      ])
      for (const member of members) await member.disconnect()
    })
  },
  HASTY,
)

describeKafka(
  'velo doctor --kafka where all is well',
  (server) => {
    test('two brokers, and a topic with what it needs; then one that keeps the last of its promises only', async () => {
      await startSecond(server(), CALM)
      const admin = clientOf(server()).admin()
      await admin.connect()
      const made = (topic, least) => {
        const configEntries = [{ name: 'min.insync.replicas', value: String(least) }]
        return { topic, numPartitions: 2, replicationFactor: 2, configEntries }
      }
      await admin.createTopics({ topics: [made('well', 2), made('thin', 1)], waitForLeaders: false })
      // Each broker hears of topics by itself, and a client asks any of them.
      const isKnown = () =>
        admin.fetchTopicMetadata({ topics: ['well', 'thin'] }).then(
          () => true,
          () => false,
        )
      const known = async () => {
        for (let times = 0; times < 30; ) times = (await isKnown()) ? times + 1 : 0
      }
      await within(PATIENT, known(), 'topics that both brokers know')
      await admin.setOffsets({ groupId: 'g', topic: 'well', partitions: [0, 1].map((partition) => ({ partition, offset: '0' })) })
      const { code, levels, says } = await looked(server(), '--topic', 'well', '--group', 'g')
      assert.equal(code, 0)
      assert.deepEqual(levels, ['kafka ok', 'topic ok', 'group ok'])
      matches(says, [/^2 brokers/, /^well has 2 partitions/, /^g has 0 members and is 0 messages behind/])
      matches((await looked(server(), '--topic', 'thin')).says, [/^2 brokers/, /^thin has 2/, /^thin: min\.insync\.replicas is 1/])
      await admin.disconnect()
    })
  },
  CALM,
)

const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="ann" password="p@ss" user_ann="p@ss";'
const GUARDED = {
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL',
  'sasl.enabled.mechanisms': 'PLAIN',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.plaintext.plain.sasl.jaas.config': LOGIN,
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.certificate.chain': oneLine('cert'),
  'ssl.keystore.key': oneLine('key'),
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.certificates': oneLine('cert'),
}

describeKafka(
  'velo doctor --kafka over TLS with SASL',
  (server) => {
    test('a name and its password get in, others do not, and the password is not said', async () => {
      const env = { NODE_EXTRA_CA_CERTS: fileURLToPath(new URL('../server/tls/cert.pem', import.meta.url)) }
      const asked = (address) => velo(['doctor', '--kafka', address], { env })
      const right = await asked(`kafkas://ann:p%40ss@${server().address}?mechanism=plain`)
      assert.match(right.out, /^ok {4}kafka +1 broker in the cluster$/m)
      assert.equal(right.code, 0)
      const wrong = await asked(`kafkas://ann:secret@${server().address}`)
      assert.match(wrong.out, /^fail {2}kafka +--kafka 127\.0\.0\.1:\d+: .*[Aa]uthentication/m)
      assert.doesNotMatch(wrong.out + wrong.err, /secret/)
      assert.equal(wrong.code, 1)
      const plain = await asked(`kafka://ann:p%40ss@${server().address}`)
      assert.match(plain.out, /^fail {2}kafka /m)
    })
  },
  GUARDED,
)

test('what few brokers show: no leader, replicas behind, no right to ask', () => {
  const partitions = [
    { partition: 0, replicas: 3, inSync: 3, hasLeader: true },
    { partition: 1, replicas: 3, inSync: 2, hasLeader: true },
    { partition: 2, replicas: 3, inSync: 0, hasLeader: false },
  ]
  const topics = [{ name: 't', partitions, settings: undefined }]
  const found = findingsOf({
    brokers: 3,
    settings: undefined,
    topics,
    group: { name: 'g', error: 'not authorized', members: 0, positions: [] },
  })
  assert.deepEqual(
    found.map(({ level, says }) => `${level} ${says}`),
    [
      'ok 3 brokers in the cluster',
      'warn this user may not ask for its settings',
      'ok t has 3 partitions',
      'fail t: partition 2 without a leader: nothing is read or stored',
      'warn t: partition 1 with replicas that are not in sync',
      'warn t: this user may not ask for its settings',
      'fail g: not authorized',
    ],
  )
})

test('brokers that are not there are a failure; topics need some', async () => {
  const { code, out } = await velo(['doctor', '--kafka', '127.0.0.1:1,127.0.0.1:2'])
  assert.equal(code, 1)
  assert.match(out, /^fail {2}kafka +--kafka 127\.0\.0\.1:1,127\.0\.0\.1:2: /m)
  assert.equal((await velo(['doctor', '--topic', 't'])).code, 2)
})
