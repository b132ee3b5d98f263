// `velo consume`: a function on a stream of Redis until a signal stops it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { publish, streamInfo } from 'velo-stream/redis'
import * as nats from '../nats/support.mjs'
import { clients, eventually, valuesOf } from '../redis/support.mjs'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { velo } from './command.mjs'

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

test('what is missing is said by name', async () => {
  for (const [args, message] of [
    [[], /consume needs --function/],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--group', 'g'], /consume needs --stream/],
    [['--function', file, '--group', 'g', '--stream', 's'], /consume needs one of --redis and --nats/],
    [['--function', file, '--nats', 'nats://127.0.0.1:1', '--stream', 's'], /consume --nats needs --consumer/],
    [['--function', file, '--nats', 'nats://127.0.0.1:1', '--stream', 's', '--consumer', 'c'], /--nats nats:\/\/127\.0\.0\.1:1: /],
    [['--function', file, '--nats', 'x', '--stream', 's', '--consumer', 'c', '--group', 'g'], /--group is for --redis/],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--stream', 's'], /consume needs --group/],
    [['--function', file, '--redis', 'redis://127.0.0.1:1', '--group', 'g', '--stream', 's'], /--redis redis:\/\/127\.0\.0\.1:1: /],
  ]) {
    const { code, err } = await velo(['consume', ...args])
    assert.equal(code, 2, err)
    assert.match(err, message)
  }
})
