// Rules 16 and 30: steps of a stream that is over leave no rejection that nobody handled, whatever ends it and wherever the function runs; neighbors on its thread go on.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { durable, journal } from 'velo-stream/durable'
import { createServer } from 'velo-stream/server'
import { WebSocket } from 'ws'
import { turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal } from './support/memory-journal.mjs'
import * as functions from './support/step-functions.mjs'

const MODULE = new URL('./support/step-functions.mjs', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'velo-ends-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const inFolder = journal(folder, { sync: 'process' })
const LONG = 30_000

/** A journal that refuses the outcomes of steps. */
class Refusing extends MemoryJournal {
  async commit(own, commit) {
    if (commit.outcomes !== undefined) throw Object.assign(new Error('no outcomes'), { code: 'VELO_CHECKPOINT' })
    return super.commit(own, commit)
  }
}

const journals = { 'in a folder': () => inFolder, 'in memory': () => durable(new MemoryJournal()), none: () => undefined }
const ends = {
  abort: (stream) => stream.abort(new Error('enough')),
  signal: (_, controller) => controller.abort(new Error('enough')),
  close: (stream) => stream.close(),
  maxDuration: () => {},
}

runtime.configure({ workers: 1 })
let made = 0

for (const placement of ['local', 'worker'])
  for (const [name, kept] of Object.entries(journals))
    describe(`steps in flight at the end (${placement}, journal ${name})`, () => {
      const make = (fn, options) =>
        placement === 'local'
          ? streamFn(functions[fn], { name: `${fn}-${++made}`, durable: kept(), ...options })
          : streamFn(MODULE, { name: `${fn}-${++made}`, placement, export: fn, durable: kept(), ...options })

      for (const [how, end] of Object.entries(ends))
        test(`${how} leaves nothing behind, and the neighbor goes on`, async () => {
          const neighbor = make('arrivals').open()
          await within(LONG, neighbor.send(['before']))
          assert.equal((await within(LONG, neighbor.recv()))[0][0], 'before')
          const controller = new AbortController()
          const stream = make('floating', how === 'maxDuration' ? { maxDuration: 200 } : {}).open({ signal: controller.signal })
          await within(LONG, stream.send([6, 'item']))
          assert.equal(await within(LONG, stream.recv()), 6)
          await end(stream, controller)
          await within(LONG, stream.closed)
          await turns(20)
          await within(LONG, neighbor.send(['after']))
          assert.equal((await within(LONG, neighbor.recv()))[0][0], 'after')
          await neighbor.close()
        })
    })

test('the error of a step is an ordinary one while its stream lives', async () => {
  for (const kept of [inFolder, undefined]) {
    const stream = streamFn(functions.floating, { name: `fails-${++made}`, durable: kept }).open()
    // The function awaits the step before it fails: both results are asked for beforehand, and the end is stored long before so many turns are over.
    const [first, second] = [stream.recv(), stream.recv()]
    second.catch(() => {})
    const count = 2000
    await within(LONG, stream.send([count]))
    stream.end()
    assert.equal(await within(LONG, first), count)
    await assert.rejects(within(LONG, second), { name: 'RangeError' })
  }
})

test('a step that nobody awaits needs no handler when the journal refuses its outcome', async () => {
  const stream = streamFn(
    async function* alone(events, ctx) {
      for await (const event of events) {
        void ctx.run('alone', () => event)
        yield event
      }
    },
    { durable: durable(new Refusing()) },
  ).open()
  for (const event of [1, 2, 3]) {
    await within(LONG, stream.send(event))
    assert.equal(await within(LONG, stream.recv()), event)
    await turns(4)
  }
  await stream.close()
})

/** A step that nobody awaits, and that fails when its stream ends. */
async function* hanging(events, ctx) {
  const ended = () => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  for await (const event of events) {
    void ctx.run('hangs', ended)
    yield event
  }
}

for (const isDurable of [true, false])
  test(`a client that leaves a server does not end it (${isDurable ? 'durable' : 'without a journal'})`, async () => {
    const kept = isDurable ? { durable: inFolder } : {}
    const server = createServer({ functions: { hanging }, ...kept, websocket: { onDisconnect: { graceMs: 100 } } })
    const { streamsOpen } = runtime.snapshot()
    try {
      const { port } = await server.listen(0)
      const client = new WebSocket(`ws://127.0.0.1:${port}/fn/hanging`)
      await within(LONG, once(client, 'open'))
      client.send(JSON.stringify('event'))
      await within(LONG, once(client, 'message'))
      client.terminate()
      await until(LONG, () => runtime.snapshot().streamsOpen === streamsOpen, 'the stream ends')
      await turns(20)
    } finally {
      await server.close()
    }
  })

noUnhandledRejections('rule 16')
