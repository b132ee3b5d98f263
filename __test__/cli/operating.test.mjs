// `velo cluster pause|resume|undrain|behind|dead|replay|reset` and `velo consume pause|resume|replay`.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cluster, clusterAdmin, publish, streamInfo } from 'velo-stream/redis'
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
const OPTIONS = { prefix, maxTakeovers: 1, lease: 1000 }

describeServers('velo for the engineer on call', ({ server }) => {
  const workers = []
  let client
  let front
  before(async () => {
    client = await make(server().url)
    front = cluster({ client, functions, ...OPTIONS })
  })
  after(async () => {
    for (const worker of workers) await worker.drop()
    await front.stop()
    await end(client)
  })
  const work = async (env) => {
    const worker = new WorkerProcess(server().url, 'ioredis', OPTIONS, MODULE, env)
    workers.push(worker)
    return worker.start()
  }
  /** Runs a command that succeeds; answers what it wrote, as JSON where that is asked for. */
  const run = async (...args) => {
    const { code, out, err } = await velo([...args, '--redis', server().url, ...(args[0] === 'cluster' ? ['--prefix', prefix] : [])])
    assert.equal(code, 0, err)
    if (!args.includes('--json')) return out + err
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  test('pauses, lists what is behind, resumes, drains and undrains', async () => {
    const worker = await work()
    assert.equal(await run('cluster', 'behind'), 'no session is behind\n')
    assert.match(await run('cluster', 'pause', '--function', 'sums'), /sessions of sums are paused/)
    const stream = await front.open('sums', 'a')
    while ((await worker.hosted()) === 0);
    const [id] = (await run('cluster', 'ls', '--json')).filter(({ kind }) => kind === 'worker').map((one) => one.id)
    await stream.send({ value: 3 })
    const [behind] = await run('cluster', 'behind', '--json')
    assert.deepEqual([behind.id, behind.function, behind.unfinished], ['a', 'sums', 1])
    assert.match(await run('cluster', 'behind'), /^ID +FUNCTION +WORKER +UNFINISHED +STALLED +TAKEOVERS\na +sums +\S+ +1 +\d+ s +0\n$/)
    assert.deepEqual(await run('cluster', 'behind', '--stuck', '3600000', '--json'), [])
    assert.deepEqual(await run('cluster', 'behind', '--function', 'other', '--json'), [])
    assert.match(await run('cluster', 'resume'), /all sessions go on; none is still paused/)
    assert.equal(await within(LIMIT, stream.recv()), 3)
    const states = async () => (await run('cluster', 'ls', '--json')).filter(({ kind }) => kind === 'worker').map((one) => one.drained)
    const admin = clusterAdmin(client, { prefix })
    await admin.drain(id)
    admin.close()
    assert.deepEqual(await states(), [true])
    assert.match(await run('cluster', 'undrain', id), /takes sessions again/)
    assert.deepEqual(await states(), [false])
    await worker.kill()
  })

  test('shows a session that was given up, and has it go on', async () => {
    const stream = await front.open('sums', 'bad')
    let host = await work()
    await stream.send({ value: 4, dies: true })
    let isOver = false
    stream.closed.then(() => {
      isOver = true
    })
    while (!isOver) {
      await within(LIMIT, Promise.race([host.exited, stream.closed]), 'a death, or the end')
      if (!isOver) host = await work()
    }
    await host.kill()
    const [dead] = await run('cluster', 'dead', 'bad', '--json')
    assert.deepEqual([dead.id, dead.events, dead.culprit.index, dead.culprit.value], ['bad', 1, 0, { value: 4, dies: true }])
    assert.match(await run('cluster', 'dead', 'bad'), /^bad\n {2}function +sums\n[\s\S]* {2}executing +event 0, .*"value":4/)
    assert.match(await run('cluster', 'replay', 'bad'), /bad of sums goes on as it was/)
    assert.deepEqual(await run('cluster', 'reset', 'bad', '--json'), [{ ok: true, function: 'sums', id: 'bad', had: false }])
    await work({ SURVIVES: '1' })
    const again = await front.open('sums', 'bad')
    assert.equal(await within(LIMIT, again.recv()), 4)
    const { code, err } = await velo(['cluster', 'replay', 'bad', '--redis', server().url, '--prefix', prefix])
    assert.deepEqual([code, /no session bad was given up/.test(err)], [2, true])
  })

  test('pauses a group, resumes it, and replays dead letters', async () => {
    const group = ['--stream', 'clicks', '--group', 'g']
    assert.match(await run('consume', 'pause', ...group), /group g reads no more/)
    assert.deepEqual(await run('consume', 'resume', ...group, '--json'), [{ ok: true, streams: ['clicks'], group: 'g', paused: false }])
    await client.xadd('dead', '*', 'data', '1', 'velo:stream', 'clicks', 'velo:group', 'g')
    assert.deepEqual(await run('consume', 'replay', '--dead-letter', 'dead', '--json'), [{ ok: true, deadLetter: 'dead', replayed: 1 }])
    assert.equal((await streamInfo(client, 'clicks')).length, 1)
    await publish(client, 'clicks', 2)
    for (const [words, message] of [
      [['pause', '--redis', server().url, '--group', 'g'], /consume pause needs --stream/],
      [['replay', '--redis', server().url], /consume replay needs --dead-letter/],
      [['--redis', server().url, '--stream', 'pause', '--group', 'resume'], /consume needs --function/],
    ]) {
      const { code, err } = await velo(['consume', ...words])
      assert.deepEqual([code, message.test(err)], [2, true], err)
    }
  })
})
