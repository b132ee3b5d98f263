// Numbers of a cluster: of a process, as a plain object and as metrics.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { cluster } from 'velo-stream/redis'
import { metricsText } from 'velo-stream/telemetry'
import { deferred, until } from '../support/deferred.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'
import { functions as troubled } from './hosts/trouble.mjs'
import { WorkerProcess } from './hosts/workers.mjs'

const LIMIT = 30_000
const MODULE = new URL('hosts/trouble.mjs', import.meta.url).href
const [{ make, end }] = clients
const slow = streamFn(
  async function* (events) {
    for await (const event of events) {
      await event
      yield event
      if (event === 'hold') await new Promise(() => {})
    }
  },
  { name: 'slow', buffer: 1 },
)

describeServers('numbers of a cluster', ({ server }) => {
  test('hosted sessions, handles, commits and what lags', async () => {
    const client = await make(server().url)
    const prefix = 'n1'
    const own = cluster({ client, functions: { slow }, prefix })
    assert.deepEqual(own.metrics, { prefix, hosted: 0, open: 0, takeovers: 0, commits: 0, lag: 0, deadLetters: 0, unreplicated: 0 })
    assert.equal(metricsText().includes('cluster="n1"'), false)
    await own.work()
    const stream = await own.open('slow', 'a')
    await stream.send('x')
    assert.equal(await within(LIMIT, stream.recv()), 'x')
    // A result arrives by the server, and may be faster than the answer to the commit it is of.
    await until(LIMIT, () => own.metrics.commits > 0, 'a commit')
    await until(LIMIT, () => own.metrics.lag === 0, 'the end of the event')
    const { commits: _, lag, ...others } = own.metrics
    assert.deepEqual(others, { prefix, hosted: 1, open: 1, takeovers: 0, deadLetters: 0, unreplicated: 0 })
    assert.equal(lag, 0)
    const text = metricsText()
    assert.match(text, /^velo_cluster_sessions_hosted\{cluster="n1"\} 1$/m)
    assert.match(text, /^velo_cluster_handles_open\{cluster="n1"\} 1$/m)
    assert.match(text, /^velo_cluster_commits_total\{cluster="n1"\} [1-9]/m)
    await stream.close()
    assert.equal(own.metrics.open, 0)
    await own.stop()
    assert.equal(metricsText().includes('cluster="n1"'), false)
    await end(client)
  })

  test('events that wait in the server lag', async () => {
    const client = await make(server().url)
    const gate = deferred()
    const gated = streamFn(async function* gated(events) {
      for await (const event of events) {
        await gate.promise
        yield event
      }
    })
    const own = cluster({ client, functions: { gated }, prefix: 'n5' })
    await own.work()
    const stream = await own.open('gated', 'a')
    const sent = stream.sendBatch(Array.from({ length: 3000 }, (_, n) => n))
    // More than a host reads ahead.
    await until(LIMIT, () => own.metrics.lag > 2000, 'the lag')
    assert.match(metricsText(), /^velo_cluster_lag_events\{cluster="n5"\} [23]\d{3}$/m)
    gate.resolve()
    for (let read = 0; read < 3000; read += (await within(LIMIT, stream.recvBatch(500))).length);
    await within(LIMIT, sent)
    await until(LIMIT, () => own.metrics.lag === 0, 'the end')
    await stream.close()
    await own.stop()
    await end(client)
  })

  test('a session whose function wants the next event is seen waiting for that, and for nobody to get room', async () => {
    const client = await make(server().url)
    const own = cluster({ client, functions: { slow }, prefix: 'n3' })
    const waits = () => runtime.inspect({ function: 'slow' }).map(({ id, waitingFor }) => [id, waitingFor])
    await own.work()
    const stream = await own.open('slow', 'a')
    await stream.send('x')
    assert.equal(await within(LIMIT, stream.recv()), 'x')
    await until(LIMIT, () => waits()[0]?.[1] === 'event', 'it asks for the next event')
    assert.deepEqual(waits(), [['a', 'event']])
    // Those who want to send wait for room where the function is held up.
    for (const event of ['hold', 'y', 'z']) await within(LIMIT, stream.send(event))
    await until(LIMIT, () => waits()[0]?.[1] === 'user code', 'it holds')
    await stream.close()
    await own.stop()
    await end(client)
  })

  test('takeovers, and sessions that were given up', async () => {
    const client = await make(server().url)
    const options = { prefix: 'n2', maxTakeovers: 1 }
    const worker = await new WorkerProcess(server().url, 'ioredis', options, MODULE).start()
    const own = cluster({ client, functions: troubled, ...options })
    const stream = await own.open('trouble', 'a')
    await stream.send('x')
    await within(LIMIT, stream.recv())
    await worker.drop()
    await own.work()
    await stream.send('y')
    await within(LIMIT, stream.recv())
    assert.deepEqual([own.metrics.takeovers, own.metrics.deadLetters], [1, 0])
    await own.stop()
    await end(client)
  })
})
