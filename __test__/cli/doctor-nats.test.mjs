// What `velo doctor --nats` says of a server, its streams and their consumers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sync } from '../../target/js/cli/doctor/nats.js'
import { freshStream } from '../nats/support.mjs'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { velo } from './command.mjs'

const NS = 1e6

async function findings(url) {
  const { code, out } = await velo(['doctor', '--json', '--nats', url])
  const names = ['nats', 'jetstream', 'sync_interval', 'stream', 'consumer']
  return { code, found: JSON.parse(out).findings.filter(({ name }) => names.includes(name)) }
}

describeNats('velo doctor --nats', (server) => {
  test('one replica, memory, and an AckWait that is too short are told', async () => {
    const client = await connection(server().url)
    await freshStream(client, 'volatile')
    const { consumers } = await freshStream(client, 'orders', { storage: 'file' })
    await consumers.add('orders', { durable_name: 'hasty', ack_policy: 'explicit', ack_wait: 1000 * NS })
    await consumers.add('orders', { durable_name: 'calm', ack_policy: 'all', ack_wait: 30_000 * NS })
    const { code, found } = await findings(server().url)
    assert.equal(code, 0)
    assert.deepEqual(
      found.map(({ name, level }) => `${name} ${level}`),
      ['nats ok', 'sync_interval warn', 'jetstream ok', 'stream warn', 'consumer warn', 'stream warn'],
    )
    const says = found.map(({ says }) => says).join('\n')
    assert.match(says, /2 streams/)
    assert.match(says, /orders has one replica/)
    assert.match(says, /hasty of orders delivers again after 1000 ms/)
    assert.match(says, /volatile is kept in memory/)
  })

  test('a server that is not there is a failure', async () => {
    const gone = await findings('nats://127.0.0.1:1')
    assert.equal(gone.code, 1)
    assert.deepEqual(
      gone.found.map(({ level }) => level),
      ['fail'],
    )
  })
})

test('how often what a stream took is brought to the disk', () => {
  assert.equal(sync(0).level, 'ok')
  assert.match(sync(120_000).says, /^120 s/)
  assert.equal(sync(undefined).level, 'warn')
})
