// A function that is stuck is told once, with the place in its code where it stands.

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
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
    30_000,
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

const LINES = readFileSync(new URL(import.meta.url), 'utf8').split('\n')
/** Where a line of this file says so. */
const lineOf = (mark) => LINES.findIndex((line) => line.endsWith(`// ${mark}`)) + 1
const standsAt = ({ at }) => Number(/stuck\.test\.mjs:(\d+):\d+$/.exec(at[0])?.[1])

test('many that are stuck at once are told each with its own place', async () => {
  const gate = deferred()
  async function* here(events) {
    for await (const _ of events) await gate.promise // here
    yield
  }
  async function* there(events) {
    for await (const _ of events) await gate.promise // there
    yield
  }
  const streams = []
  for (let ordinal = 0; ordinal < 8; ordinal++)
    for (const fn of [here, there]) streams.push(streamFn(fn).open({ id: `${fn.name} ${ordinal}` }))
  await Promise.all(streams.map((stream) => stream.send(1)))
  for (const { id } of streams) assert.equal(standsAt(await of(id)), lineOf(id.split(' ')[0]), id)
  gate.resolve()
  await Promise.all(streams.map((stream) => stream.close()))
})

test('of a pipeline it is the stage that works, with its place', async () => {
  const gate = deferred()
  const pass = async function* pass(events) {
    for await (const event of events) yield event
  }
  async function* works(events) {
    for await (const event of events) {
      await gate.promise // works
      yield event
    }
  }
  const pipelines = { first: [works, pass, pass], middle: [pass, works, pass], last: [pass, pass, works] }
  const streams = []
  const runs = []
  for (const [name, [one, two, three]] of Object.entries(pipelines)) {
    const fn = streamFn(one)
      .pipe(two)
      .pipe(three)
      .with({ name: `${name} of three` })
    const stream = fn.open({ id: `${name} works` })
    await stream.send(1)
    streams.push(stream)
    runs.push(fn.run([1]))
  }
  for (const { id } of streams) {
    const message = await of(id)
    assert.deepEqual([message.stage, standsAt(message)], ['works', lineOf('works')], id)
  }
  const ofRuns = () => told.filter(({ function: name, id }) => name.endsWith(' of three') && !id.endsWith(' works'))
  await until(30_000, () => ofRuns().length === 3, 'the reports of the runs')
  for (const message of ofRuns()) assert.deepEqual([message.stage, standsAt(message)], ['works', lineOf('works')], message.id)
  gate.resolve()
  await Promise.all(runs)
  await Promise.all(streams.map((stream) => stream.close()))
})

test('a worker thread that computes is told with its stack', async () => {
  const fn = streamFn(new URL('functions/computes.mjs', import.meta.url), { name: 'computes', placement: 'worker' })
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const stream = fn.open({ id: 'computes 1' })
  await stream.send(flag)
  const { at } = await of('computes 1')
  const lines = readFileSync(new URL('functions/computes.mjs', import.meta.url), 'utf8').split('\n')
  const frames = at.flatMap((frame) => /functions\/computes\.mjs:(\d+):\d+$/.exec(frame)?.[1] ?? [])
  // Where it computes comes first, and then who called it.
  assert.deepEqual(
    frames.map((line) => /\/\/ (\w+)$/.exec(lines[line - 1])?.[1]),
    ['spins', 'asks'],
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
