// `velo cluster`: what is seen of sessions that processes share, and how they are moved. Each worker is a process of its own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cluster } from 'velo-stream/redis'
import { clients } from '../redis/clients.mjs'
import { functions } from '../redis/hosts/trouble.mjs'
import { WorkerProcess } from '../redis/hosts/workers.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { velo } from './command.mjs'

const LIMIT = 30_000
const MODULE = new URL('../redis/hosts/trouble.mjs', import.meta.url).href
const [{ make, end }] = clients
const prefix = 'shop'

const lines = (text) =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describeServers('velo cluster', ({ server }) => {
  const workers = []
  let client
  let front
  before(async () => {
    client = await make(server().url)
    front = cluster({ client, functions, prefix })
  })
  after(async () => {
    for (const worker of workers) await worker.drop()
    await front.stop()
    await end(client)
  })
  const work = async () => {
    const worker = new WorkerProcess(server().url, 'ioredis', { prefix }, MODULE)
    workers.push(worker)
    return worker.start()
  }
  const run = (...args) => velo(['cluster', ...args, '--redis', server().url, '--prefix', prefix])
  /** What `ls` says, by kind. */
  const listed = async (...args) => {
    const { code, out, err } = await run('ls', '--json', ...args)
    assert.equal(code, 0, err)
    const all = lines(out)
    return { workers: all.filter(({ kind }) => kind === 'worker'), sessions: all.filter(({ kind }) => kind === 'session') }
  }
  const nameOf = async ({ child }) => (await listed()).workers.find(({ id }) => id.startsWith(`${child.pid}-`)).id
  const next = async (stream, event) => {
    await stream.send(event)
    return within(LIMIT, stream.recv(), 'a result')
  }

  test('lists, shows, moves and drains', async () => {
    assert.match((await run('ls')).out, /^no workers\n\nno sessions\n$/)
    const first = await work()
    const stream = await front.open('trouble', 'a\u001b[31m')
    assert.equal(await next(stream, 'x'), `1:x:${first.child.pid}`)
    const other = await front.open('trouble', 'b')
    await next(other, 'y')
    const one = await nameOf(first)
    const [session] = (await listed()).sessions
    const { opened, ttl, ...facts } = session
    assert.deepEqual(facts, {
      kind: 'session',
      function: 'trouble',
      id: 'a\u001b[31m',
      worker: one,
      events: 1,
      waiting: 0,
      results: 1,
      unread: 1,
      takeovers: 0,
      ended: false,
      stateBytes: 0,
    })
    assert.ok(ttl > 3_000_000 && ttl <= 3_600_000)
    assert.ok(Math.abs(Date.parse(opened) - Date.now()) < 600_000)
    assert.deepEqual((await listed('--function', 'versioned')).sessions, [])
    // Nothing that a terminal obeys.
    const table = (await run('ls')).out
    assert.match(table, /^WORKER +SESSIONS +LEASE +SEEN +STATE\n\d+-[\w-]+ +2 +10000 ms +\d+ ms ago +works\n\nID +FUNCTION/)
    assert.equal(table.includes('\u001b'), false)
    assert.match((await run('show', 'b')).out, /^b\n {2}function +trouble\n[\s\S]* {2}events +1, of which 0 wait for the host\n/)

    const second = await work()
    const two = await nameOf(second)
    const moved = await run('move', 'b', '--json')
    assert.equal(moved.code, 0, moved.err)
    assert.deepEqual(lines(moved.out), [{ ok: true, function: 'trouble', id: 'b', from: one, to: two, moved: true }])
    assert.equal(await next(other, 'z'), `2:z:${second.child.pid}`)
    const back = await run('move', 'b', '--to', one, '--function', 'trouble')
    assert.deepEqual([back.code, back.err], [0, `velo: b is at ${one}\n`])

    const drained = await run('drain', one)
    assert.deepEqual([drained.code, drained.err], [0, `velo: ${one} had 2 sessions, and has 0\n`])
    assert.equal(await next(stream, 'x'), `2:x:${second.child.pid}`)
    assert.equal(await next(other, 'x'), `3:x:${second.child.pid}`)
    const third = await front.open('trouble', 'c')
    assert.equal(await next(third, 'x'), `1:x:${second.child.pid}`)
    assert.deepEqual(
      (await listed()).workers.map(({ id, sessions, drained }) => [id, sessions, drained]).sort(),
      [
        [one, 0, true],
        [two, 3, false],
      ].sort(),
    )
    third.end()
    assert.deepEqual(await within(LIMIT, third.recvBatch(1)), [])
    assert.deepEqual(
      (await listed()).sessions.map(({ id }) => id),
      ['a\u001b[31m', 'b'],
    )
    const over = lines((await run('show', 'c', '--function', 'trouble', '--json')).out)
    assert.deepEqual([over[0].end, over[0].worker], [{ reason: 'done' }, null])
  })

  test('says what is wrong', async () => {
    const failed = async (pattern, ...args) => {
      const { code, err } = await run(...args)
      assert.equal(code, 2)
      assert.match(err, pattern)
    }
    await failed(/no session nobody is open/, 'show', 'nobody')
    await failed(/no session nobody of trouble is kept/, 'show', 'nobody', '--function', 'trouble')
    await failed(/there is no worker nobody/, 'drain', 'nobody')
    await failed(/there is no worker nobody/, 'move', 'b', '--to', 'nobody')
    await failed(/there is no other worker that takes sessions/, 'move', 'b')
    const { code, err } = await velo(['cluster', 'ls'])
    assert.deepEqual([code, /cluster needs --redis/.test(err)], [2, true])
  })
})
