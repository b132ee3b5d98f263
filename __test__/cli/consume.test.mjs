// `velo consume`: a function on a stream of Redis or NATS, or on topics of Kafka, until a signal stops it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { publish, streamInfo } from 'velo-stream/redis'
import { addressOf } from '../../target/js/cli/brokers/kafka-client.js'
import { onTopics } from '../kafka/support.mjs'
import * as nats from '../nats/support.mjs'
import { clients, eventually, valuesOf } from '../redis/support.mjs'
import { describeKafka } from '../support/kafka-servers.mjs'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { start, velo } from './command.mjs'

const folder = mkdtempSync(join(tmpdir(), 'velo-consume-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'double.mjs')
writeFileSync(file, 'export default async function* double(events) { for await (const n of events) yield n * 2 }')
const command = fileURLToPath(new URL('../../dist/velo.js', import.meta.url))

describeServers('velo consume', ({ server }) => {
  test('works until SIGTERM, acknowledges, and says its numbers', async () => {
    const client = await clients[0].make(server().port)
    await publish(
      client,
      'in',
      Array.from({ length: 50 }, (_, n) => n),
    )
    const args = ['consume', '--redis', server().url, '--stream', 'in', '--group', 'g', '--function', file, '--to', 'out', '--json']
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const ended = new Promise((resolve) => child.on('close', resolve))
    await eventually(async () => {
      const { groups, pending, lag } = await streamInfo(client, 'in')
      return groups.length > 0 && pending === 0 && lag === 0
    })
    child.kill('SIGTERM')
    assert.equal(await within(10_000, ended), 0, said)
    assert.deepEqual(JSON.parse(said), { exitCode: 0, received: 50, acked: 50, results: 50, deadLettered: 0 })
    assert.deepEqual(
      await valuesOf(client, 'out'),
      Array.from({ length: 50 }, (_, n) => 2 * n),
    )
  })
})

describeNats('velo consume --nats', (server) => {
  test('works until SIGTERM, acknowledges, and says its numbers', async () => {
    const client = await connection(server().url)
    const manager = await nats.freshStream(client, 'in')
    await nats.freshStream(client, 'out')
    await nats.store(client, 'in', nats.range(50))
    const args = ['consume', '--nats', server().url, '--stream', 'in', '--consumer', 'c', '--function', file, '--to', 'out', '--json']
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const ended = new Promise((resolve) => child.on('close', resolve))
    await nats.eventually(() => nats.isThrough(manager, 'in', 'c'))
    child.kill('SIGTERM')
    assert.equal(await within(30_000, ended), 0, said)
    assert.deepEqual(JSON.parse(said), { exitCode: 0, received: 50, acked: 50, results: 50, deadLettered: 0 })
    assert.deepEqual(
      await nats.valuesOf(client, 'out'),
      nats.range(50).map((n) => 2 * n),
    )
  })
})

describeKafka('velo consume --kafka', (server) => {
  const use = onTopics(server, 'cli')
  const there = ['consume', '--kafka']
  // Who keeps what a group has committed says first that it still begins.
  const at = async (group, topic) => (await use.committed(group, topic).catch(() => []))[0]

  /** Ends what was read of a group with SIGTERM once it is through with `count` messages of one partition; resolves with what it said. */
  async function through(args, group, topic, count) {
    const command = start([...there, server().address, '--topic', topic, '--group', group, ...args])
    await use.until(async () => (await at(group, topic)) === count, 'all that is committed')
    command.child.kill('SIGTERM')
    const { code, err, out } = await command.ended()
    assert.deepEqual([code, out], [0, ''], err)
    return err
  }

  test('works until SIGTERM, acknowledges, and says its numbers; --transactional stores each result once', async () => {
    const [topic, to] = [await use.topic(), await use.topic()]
    await use.store(topic, nats.range(50))
    for (const [group, more] of [
      ['g', []],
      ['exact', ['--transactional']],
    ]) {
      const said = await through(['--function', file, '--to', to, '--json', ...more], group, topic, 50)
      assert.deepEqual(JSON.parse(said), { exitCode: 0, received: 50, acked: 50, results: 50, deadLettered: 0 })
    }
    const doubled = nats.range(50).map((n) => 2 * n)
    assert.deepEqual(await use.valuesOf(to), [...doubled, ...doubled])
    // Where a group was not there before, --from says where it begins.
    const late = start([...there, server().address, '--topic', topic, '--group', 'late', '--from', 'new', '--function', file, '--json'])
    // The member looks where the end is at some moment after it has joined.
    let sent = 0
    await use.until(async () => {
      await use.store(topic, [sent++])
      return (await at('late', topic)) > 50
    }, 'what is new')
    late.child.kill('SIGTERM')
    const { received } = JSON.parse((await late.ended()).err)
    assert.ok(received >= 1 && received <= sent, `${received} of ${sent}`)
  })

  test('what the function cannot deal with goes aside, and progress counts what was read', async () => {
    const [topic, aside] = [await use.topic(), await use.topic()]
    const picky = join(folder, 'picky.mjs')
    writeFileSync(
      picky,
      "export default async function* picky(events) { for await (const n of events) if (n === 3) throw new Error('three') }",
    )
    await use.store(topic, nats.range(5))
    const said = await through(['--function', picky, '--dead-letter', aside, '--progress'], 'g2', topic, 5)
    assert.match(said, /received 5, acked 5, results 0, deadLettered 1/)
    assert.match(said, /K5 events/)
    const [{ value, headers }] = await use.records(aside)
    assert.equal(String(value), '3')
    assert.match(String(headers['Velo-Error']), /three/)
  })

  test('a broker that refuses for good ends it with the error', async () => {
    const { code, err } = await velo([...there, server().address, '--topic', 'not-there', '--group', 'g3', '--function', file])
    assert.equal(code, 1, err)
    assert.match(err, /VELO_ADAPTER|topic/i)
  })
})

test('addresses of brokers', () => {
  assert.deepEqual(addressOf('a:1,b.c:2'), { brokers: ['a:1', 'b.c:2'], ssl: false, sasl: undefined })
  assert.deepEqual(addressOf('kafka://[::1]:9092'), { brokers: ['[::1]:9092'], ssl: false, sasl: undefined })
  assert.deepEqual(addressOf('kafkas://ann:p%40ss:1@a:1,b:2/?mechanism=scram-sha-512'), {
    brokers: ['a:1', 'b:2'],
    ssl: true,
    sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 'p@ss:1' },
  })
  for (const wrong of ['', 'a', 'a:b', 'http://a:1', 'a:1, b:2', 'kafkas://u%zz:p@a:1', 'a:1?mechanism=none'])
    assert.throws(() => addressOf(wrong), { message: /^--kafka: / }, wrong)
})

test('what is missing is said by name', async () => {
  for (const [args, message] of [
    [[], /consume needs --function/],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--group', 'g'], /consume needs --stream/],
    [['--function', file, '--group', 'g', '--stream', 's'], /consume needs one of --redis, --nats and --kafka/],
    [['--function', file, '--nats', 'nats://127.0.0.1:1', '--stream', 's'], /consume --nats needs --consumer/],
    [['--function', file, '--nats', 'nats://127.0.0.1:1', '--stream', 's', '--consumer', 'c'], /--nats nats:\/\/127\.0\.0\.1:1: /],
    [['--function', file, '--nats', 'x', '--stream', 's', '--consumer', 'c', '--group', 'g'], /--group is for --redis/],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--stream', 's'], /consume needs --group/],
    [['--function', file, '--redis', 'x', '--kafka', 'x'], /consume needs one of --redis, --nats and --kafka/],
    [
      ['--function', file, '--redis', 'x', '--stream', 's', '--group', 'g', '--transactional'],
      /--topic and --transactional are for --kafka/,
    ],
    [['--function', file, '--kafka', '127.0.0.1:1'], /consume --kafka needs --topic/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--stream', 's'], /--stream is for --redis and --nats/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't'], /consume --kafka needs --group/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--group', 'g', '--consumer', 'c'], /--consumer is not for --kafka/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--group', 'g', '--maxlen', '5'], /--maxlen is for --redis/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--group', 'g', '--from', '7'], /--from: expected all or new, got 7/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--group', 'g', '--transactional'], /--transactional needs --to/],
    [['--function', file, '--kafka', '127.0.0.1:1', '--topic', 't', '--group', 'g'], /--kafka 127\.0\.0\.1:1: /],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--group', 'g', '--stream', 's'], /--redis redis:\/\/127\.0\.0\.1:1: /],
  ]) {
    const { code, err } = await velo(['consume', ...args])
    assert.equal(code, 2, err)
    assert.match(err, message)
  }
})
