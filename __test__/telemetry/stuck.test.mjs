// A function that is stuck is told once, with the place in its code where it stands.

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { deferred } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

const CHANNEL = 'velo:stream:stuck'
const told = []
let onTold = () => {}
const listener = (message) => {
  told.push(message)
  onTold()
}
subscribe(CHANNEL, listener)
runtime.configure({ stuckAfter: 60 })
after(() => {
  unsubscribe(CHANNEL, listener)
  runtime.configure({ stuckAfter: 10_000, log: null })
})

/** The next message about a stream. */
const of = (id) =>
  within(
    10_000,
    new Promise((resolve) => {
      onTold = () => {
        const message = told.find((one) => one.id === id)
        if (message !== undefined) resolve(message)
      }
      onTold()
    }),
    `a report of ${id}`,
  )

describePlacements('stuck', (place) => {
  test('a pending await is told with its place, once, and to the log', async () => {
    const gate = place.gate()
    const fn = place(
      async function* waits(events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      },
      { name: `waits ${place.placement}` },
      { gate },
    )
    const lines = []
    runtime.configure({ log: { warn: (fields, message) => lines.push([fields, message]) } })
    const id = `waits ${place.placement} 1`
    const stream = fn.open({ id })
    await stream.send(1)
    const message = await of(id)
    assert.equal(message.function, `waits ${place.placement}`)
    assert.equal(message.placement, place.placement)
    assert.ok(message.waitingMs >= 60)
    assert.match(message.at[0], place.worker ? /velo-placed-.*\.mjs:\d+:\d+$/ : /stuck\.test\.mjs:\d+:\d+$/)
    const [[fields, text]] = lines
    assert.deepEqual([fields.code, fields.stream, fields.function], ['velo:stream-stuck', id, `waits ${place.placement}`])
    assert.match(text, /has worked for \d+ ms/)
    // Another stream is told later, and the first one not again.
    const other = fn.open({ id: `${id} b` })
    await other.send(1)
    await of(`${id} b`)
    assert.equal(told.filter((one) => one.id === id).length, 1)
    gate.open()
    await Promise.all([stream.close(), other.close()])
  })
})

test('a worker thread that computes is told with its stack', async () => {
  const fn = streamFn(new URL('functions/computes.mjs', import.meta.url), { name: 'computes', placement: 'worker' })
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const stream = fn.open({ id: 'computes 1' })
  await stream.send(flag)
  const { at } = await of('computes 1')
  assert.ok(
    at.some((frame) => /functions\/computes\.mjs:\d+:\d+$/.test(frame)),
    JSON.stringify(at),
  )
  Atomics.store(flag, 0, 1)
  assert.equal(await within(5000, stream.recv(), 'the result: the thread goes on'), 'through')
  await stream.close()
})

test('who waits for an event, or for a reader, is not stuck; 0 is never', async () => {
  const gate = deferred()
  const pass = streamFn(
    async function* pass(events) {
      yield* events
    },
    { buffer: 1 },
  )
  const idle = pass.open({ id: 'idle' })
  const full = pass.open({ id: 'full' })
  full.sendBatch([1, 2, 3])
  const stuck = streamFn(async function* stuck() {
    await gate.promise
  })
  const marker = stuck.open({ id: 'marker' })
  await marker.send(1)
  await of('marker')
  assert.deepEqual(
    told.filter(({ id }) => id === 'idle' || id === 'full'),
    [],
  )
  gate.resolve()
  await Promise.all([idle.close(), full.close(), marker.close()])
})
