// The bound of the process in bytes (rule 4) is one for all its threads: what waits on one refuses streams on another, and what one says of it holds for all.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { turns, until } from '../support/deferred.mjs'
import { leftover } from '../support/leftovers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { post, Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'

const MIB = 1 << 20
const line = `"${'z'.repeat(MIB - 3)}"\n`
afterEach(() => runtime.configure({ maxBufferedBytes: 512 * MIB, maxConcurrent: 0 }))

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})

/** Another thread with a server of its own. */
async function thread() {
  const worker = new Worker(new URL('support/bytes-thread.mjs', import.meta.url))
  const next = async () => (await within(20_000, once(worker, 'message'), 'a thread'))[0]
  const stop = leftover(() => worker.terminate())
  const { port } = await next()
  const ask = async (order, value) => {
    worker.postMessage({ order, value })
    return (await next()).value
  }
  return { port, ask, stop }
}

/** A request to another thread whose six events of 1 MiB wait there. */
async function waiting({ port, ask }) {
  const wire = new Wire(port).head({ length: 6 * MIB })
  wire.write(line.repeat(6))
  while ((await ask('events')) < 6) await turns(1)
  await until(20_000, () => runtime.snapshot().bytesBuffered >= 6 * MIB, 'the bytes of the other thread')
  return wire
}

test('what waits on one thread counts on the others, and the refusal says how much it is', async () => {
  const other = await thread()
  const server = await start('node:http', echo)
  const wire = await waiting(other)
  runtime.configure({ maxBufferedBytes: 4 * MIB })
  const refused = await post(server.url, '1\n')
  assert.equal(refused.status, 503)
  const { error } = await refused.json()
  assert.equal(error.code, 'VELO_OVERLOADED')
  const { bytesBuffered } = runtime.snapshot()
  assert.equal(error.message, `${bytesBuffered} bytes wait in the streams of the process: its maxBufferedBytes is ${4 * MIB}`)
  assert.ok(bytesBuffered < 8.1 * MIB, `${bytesBuffered}`)
  assert.equal(await other.ask('snapshot'), bytesBuffered)

  // There is room again as soon as the function there has taken its events.
  await other.ask('letGo')
  await until(10_000, () => runtime.snapshot().bytesBuffered < 4 * MIB, 'room')
  assert.equal((await post(server.url, '1\n')).status, 200)
  wire.socket.destroy()
  await until(10_000, () => runtime.snapshot().bytesBuffered === 0, 'the end')
  await other.stop()
  await server.close()
})

test('the bound that one thread sets holds for all', async () => {
  const other = await thread()
  const server = await start('node:http', echo)
  const wire = await waiting(other)
  assert.equal((await post(server.url, '1\n')).status, 200)
  await other.ask('configure', { maxBufferedBytes: MIB })
  const refused = await post(server.url, '1\n')
  assert.equal(refused.status, 503)
  assert.match((await refused.json()).error.message, new RegExp(`: its maxBufferedBytes is ${MIB}$`))
  await other.ask('configure', { maxBufferedBytes: 100 * MIB })
  assert.equal((await post(server.url, '1\n')).status, 200)
  wire.socket.destroy()
  await other.stop()
  await server.close()
})

test('a thread that ends takes its bytes along', async () => {
  const other = await thread()
  await waiting(other)
  await other.stop()
  await until(10_000, () => runtime.snapshot().bytesBuffered === 0, 'the end')
})

test('the limit of streams is named exactly on every thread', async () => {
  const other = await thread()
  const wire = await waiting(other)
  assert.equal(await other.ask('refusal'), 'stream function holding: 1 streams are open')
  runtime.configure({ maxConcurrent: 100 })
  assert.equal(await other.ask('refusal'), 'stream function holding: 1 streams are open, or the process is at its limit, 100')
  wire.socket.destroy()
  await other.stop()
})

noUnhandledRejections('rule 4')
