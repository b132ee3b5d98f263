// runtime.configure({ log }): lines for pino and console, each with its code, its stream and its function; nothing without it.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { deferred } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'

/** A logger with all levels, and its lines. */
function recorder() {
  const lines = []
  const level = (name) => (fields, message) => lines.push({ level: name, message, ...fields })
  return { lines, log: { error: level('error'), warn: level('warn'), info: level('info'), debug: level('debug') } }
}

after(() => runtime.configure({ log: null }))

describePlacements('log', (place) => {
  test('a life and a failure are told', async () => {
    const { lines, log } = recorder()
    runtime.configure({ log })
    const fn = place(
      async function* fails(events) {
        for await (const event of events) {
          if (event === 2) throw Object.assign(new Error('two'), { code: 'E_TWO' })
          yield event
        }
      },
      { name: 'logged' },
    )
    await fn.run([1])
    await assert.rejects(fn.run([2]), { code: 'E_TWO' })
    runtime.configure({ log: null })
    await fn.run([1])
    assert.deepEqual(
      lines.map(({ level, code, function: name }) => [level, code, name]),
      [
        ['debug', 'velo:stream-opened', 'logged'],
        ['debug', 'velo:stream-closed', 'logged'],
        ['debug', 'velo:stream-opened', 'logged'],
        ['error', 'velo:stream-failed', 'logged'],
      ],
    )
    assert.ok(lines.every(({ stream }) => typeof stream === 'string' && stream !== ''))
    assert.equal(lines.at(-1).err.message, 'two')
    assert.equal(lines.at(-1).message, `stream ${lines.at(-1).stream} failed`)
  })
})

test('an abort, a timeout, a detached function and an overrun have their codes', async () => {
  const { lines, log } = recorder()
  runtime.configure({ log })
  const gate = deferred()
  const fn = streamFn(
    async function* deaf() {
      await gate.promise
    },
    { closeTimeout: 1, buffer: 1 },
  )
  const detached = fn.open({ id: 'detached' })
  const sends = Array.from({ length: 30 }, () => detached.send(1).catch(() => {}))
  detached.abort(new Error('enough'))
  await detached.close().catch(() => {})
  await Promise.all(sends)
  const late = fn.with({ maxDuration: 1 }).open({ id: 'late' })
  await late.send(1)
  await late.recv().catch(() => {})
  await late.close().catch(() => {})
  gate.resolve()
  const codes = (id) => lines.filter(({ stream, level }) => stream === id && level !== 'debug').map(({ level, code }) => `${level} ${code}`)
  assert.deepEqual(codes('detached'), ['warn VELO_OVERRUN', 'warn velo:stream-detached', 'info VELO_ABORTED'])
  assert.deepEqual(codes('late'), ['warn velo:stream-detached', 'info VELO_TIMEOUT'])
})

test('console and what looks like pino are taken, half a logger too; what is none is refused', async () => {
  for (const log of [console, Object.assign(() => {}, { error() {} }), { warn() {} }]) runtime.configure({ log })
  for (const log of [{}, 5, 'pino', { warn: 1 }, { print() {} }]) {
    assert.throws(() => runtime.configure({ log }), { code: 'VELO_CONFIG', field: 'runtime.configure(options).log' })
  }
  assert.throws(() => runtime.configure({ stuckAfter: -1 }), { code: 'VELO_CONFIG', field: 'runtime.configure(options).stuckAfter' })
  assert.throws(() => runtime.configure({ redact: 'cookie' }), { code: 'VELO_CONFIG', field: 'runtime.configure(options).redact' })
})

test('a logger that throws harms no stream', async () => {
  const seen = deferred()
  process.once('warning', seen.resolve)
  let lines = 0
  const log = {
    debug() {
      if (++lines === 1) throw new Error('disk full')
    },
  }
  runtime.configure({ log })
  const pass = streamFn(async function* pass(events) {
    yield* events
  })
  assert.deepEqual(await pass.run([1, 2]), [1, 2])
  assert.match((await seen.promise).message, /threw, lines are lost: Error: disk full/)
})
