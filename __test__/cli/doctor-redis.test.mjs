// `velo doctor --redis`: whether a server may keep sessions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { findingsOf } from '../../target/js/cli/doctor/redis.js'
import { leftover } from '../support/leftovers.mjs'
import { describeServers, startServer } from '../support/redis-servers.mjs'
import { velo } from './command.mjs'

const NAMES = ['redis', 'commands', 'eviction', 'append-only', 'replicas']

describeServers('velo doctor --redis', ({ name, kind, server }) => {
  const looked = async (url) => {
    const { code, out } = await velo(['doctor', '--redis', url, '--json'])
    const { findings } = JSON.parse(out)
    return { code, found: Object.fromEntries(findings.map((one) => [one.name, one])) }
  }
  const levels = (found) => NAMES.map((one) => found[one].level)

  test('warns of what is in memory only, and refuses a server that throws keys away', async () => {
    const client = new Redis(server().url)
    leftover(() => client.disconnect())
    const first = await looked(server().url)
    assert.deepEqual([first.code, levels(first.found)], [0, ['ok', 'ok', 'ok', 'warn', 'warn']])
    assert.match(first.found.redis.says, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`))
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const second = await looked(server().url)
    assert.deepEqual([second.code, levels(second.found)], [1, ['ok', 'ok', 'fail', 'warn', 'warn']])
    assert.equal(second.found.eviction.says, 'allkeys-lru')
    await client.config('SET', 'maxmemory-policy', 'noeviction')
  })

  test('all is well with a server that writes, and has a replica; a replica is not the one to ask', async () => {
    const first = await startServer(kind, { args: ['--appendonly', 'yes', '--repl-diskless-sync-delay', '0'] })
    const replica = await startServer(kind, { args: ['--replicaof', '127.0.0.1', String(first.port)] })
    const client = new Redis(first.url)
    leftover(() => client.disconnect())
    // An answer says that the replica has what was written.
    await client.set('a', 1)
    while ((await client.wait(1, 1000)) < 1) await client.set('a', 1)
    const { code, found } = await looked(first.url)
    assert.deepEqual([code, levels(found)], [0, ['ok', 'ok', 'ok', 'ok', 'ok']])
    assert.equal((await looked(replica.url)).found.replicas.says, 'this is a replica')
  })

  test('says what is missing', async () => {
    const renamed = await startServer(kind, { args: ['--rename-command', 'XAUTOCLAIM', 'X1', '--rename-command', 'WAIT', 'X2'] })
    const { code, found } = await looked(renamed.url)
    assert.deepEqual([code, found.commands.level, found.commands.says], [0, 'warn', 'missing: WAIT'])
  })
})

test('versions that are not tested', () => {
  const facts = { eviction: 'noeviction', aof: true, role: 'master', replicas: 1, isCluster: false, missing: [] }
  const level = (product, version) => findingsOf({ ...facts, product, version })[0].level
  assert.deepEqual(
    [level('Redis', '6.2.14'), level('Redis', '7.0.0'), level('Redis', '8.2.1'), level('Valkey', '7.2.9'), level('Valkey', '8.0.1')],
    ['warn', 'ok', 'ok', 'warn', 'ok'],
  )
})

test('a server that is not there', async () => {
  const { code, out } = await velo(['doctor', '--redis', 'redis://127.0.0.1:1'])
  assert.equal(code, 1)
  assert.match(out, /^fail {2}redis +--redis redis:\/\/127\.0\.0\.1:1: /m)
})
