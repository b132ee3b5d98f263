// `runtime.recover()`: with streams of one id of two functions, with more streams than there are places, and with one that cannot be resumed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const LIMIT = 20_000

async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
}

const deploy = (shelf, name, options = {}) => streamFn(sum, { name, durable: durable(new MemoryJournal({ shelf })), ...options })

/** A shelf with a stream of each of these ids, for each of these functions. */
async function left(names, ids) {
  const shelf = newShelf()
  for (const name of names) {
    const fn = deploy(shelf, name)
    for (const id of ids) {
      const stream = fn.open({ id })
      await stream.sendBatch([1, 2])
      await stream.close()
    }
  }
  return shelf
}

async function finish(stream) {
  stream.end()
  const results = []
  for await (const result of stream) results.push(result)
  assert.deepEqual(results, [1, 3])
}

describe('runtime.recover()', () => {
  test('opens streams of one id of two functions', async () => {
    const shelf = await left(['one', 'two'], ['a', 'b'])
    const functions = ['one', 'two'].map((name) => deploy(shelf, name))
    const { one, two } = await within(LIMIT, runtime.recover({ functions }))
    for (const streams of [one, two]) {
      assert.deepEqual(Object.keys(streams).sort(), ['a', 'b'])
      for (const stream of Object.values(streams)) await within(LIMIT, finish(stream))
    }
  })

  for (const queue of [0, 3])
    test(`more streams than maxConcurrent wait for a place and are admitted as places become free (queue: ${queue})`, async () => {
      const ids = Array.from({ length: 20 }, (_, at) => `s${at}`)
      const fn = deploy(await left(['many'], ids), 'many', { maxConcurrent: 4, queue })
      const { many } = await within(LIMIT, runtime.recover({ functions: [fn], concurrency: 2 }))
      assert.equal(Object.keys(many).length, 20)
      assert.equal(Object.values(many).filter(({ state }) => state === 'waiting').length, 16)
      assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
      await within(LIMIT, Promise.all(Object.values(many).map(finish)))
      assert.deepEqual(await fn.unfinished(), [])
      // The line is as short as before.
      const open = Array.from({ length: 4 + queue }, () => fn.open())
      assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
      await Promise.all(open.map((stream) => stream.abort()))
    })

  test('one that cannot be resumed is reported, and keeps no other one from coming back', async () => {
    const shelf = await left(['damaged'], ['a', 'b', 'c'])
    shelf.streams.get(JSON.stringify(['damaged', 'b'])).state = { version: 7, events: 0, results: 0, asked: 0, bytes: new Uint8Array() }
    const errors = []
    const fn = deploy(shelf, 'damaged')
    const onError = (error, stream) => {
      errors.push([error.code, stream])
      throw new Error('a listener that throws')
    }
    const warning = () => new Promise((resolve) => process.once('warning', resolve))
    const thrown = warning()
    const { damaged } = await within(LIMIT, runtime.recover({ functions: [fn], onError, concurrency: 1 }))
    assert.deepEqual(Object.keys(damaged).sort(), ['a', 'c'])
    assert.deepEqual(errors, [['VELO_CHECKPOINT', { function: 'damaged', id: 'b' }]])
    for (const stream of Object.values(damaged)) await within(LIMIT, finish(stream))
    assert.deepEqual(
      (await fn.unfinished()).map(({ id }) => id),
      ['b'],
    )
    assert.match((await within(LIMIT, thrown)).message, /a listener that throws/)
    const warned = warning()
    await within(LIMIT, runtime.recover({ functions: [fn] }))
    assert.match((await within(LIMIT, warned)).message, /stream "b" of damaged was not resumed: .*its history is gone/)
    await assert.rejects(runtime.recover({ functions: [fn], onError: 1 }), { code: 'VELO_CONFIG' })
  })
})

describe('ids of open streams', () => {
  test('are per function name: two functions may have one, two definitions of one name may not', async () => {
    const shelf = newShelf()
    const [one, other, again] = ['one', 'other', 'one'].map((name) => deploy(shelf, name))
    const plain = streamFn(sum, { name: 'plain' })
    const streams = [one, other, plain].map((fn) => fn.open({ id: 'a' }))
    for (const fn of [one, other, again, plain])
      assert.throws(() => fn.open({ id: 'a' }), { code: 'VELO_CONFIG', message: new RegExp(`no open stream of '${fn.name}' has`) })
    const seen = runtime.inspect().filter(({ id }) => id === 'a')
    assert.deepEqual(seen.map((stream) => stream.function).sort(), ['one', 'other', 'plain'])
    for (const [at, stream] of streams.entries()) {
      await stream.send(at)
      assert.equal(await within(LIMIT, stream.recv()), at)
    }
    await streams[0].abort()
    await within(LIMIT, streams[0].closed)
    await within(LIMIT, again.open({ id: 'a' }).abort())
    for (const stream of streams) stream.abort()
  })
})

noUnhandledRejections('durable streams that are recovered')
