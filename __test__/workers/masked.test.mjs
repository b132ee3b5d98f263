// Rule 10 in pipelines over threads: whichever stage throws, a send that waits, a Duplex and a source hear of its error, not only of the end.

import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

runtime.configure({ workers: 2 })

const soon = (promise, what) => within(10_000, promise, what)
const module = new URL('functions/relay.mjs', import.meta.url)

async function* relay(events) {
  for await (const event of events) yield event
}

async function* throwing(events) {
  for await (const event of events) {
    if (event === 3) throw new RangeError('of the function')
    yield event
  }
}

const functions = { relay, throwing }
const stage = (kind, name, options) =>
  kind === 'local'
    ? streamFn(functions[name], { name, ...options })
    : streamFn(module, { placement: 'worker', export: name === 'relay' ? 'default' : name, name, ...options })

/** Pipelines of these placements, of which the stage `bad` throws. */
function* pipelines(options) {
  for (const kinds of ['local worker', 'worker local', 'worker worker', 'local worker local', 'worker local worker'].map((line) =>
    line.split(' '),
  )) {
    for (let bad = 0; bad < kinds.length; bad++) {
      const make = () =>
        kinds.map((kind, index) => stage(kind, index === bad ? 'throwing' : 'relay', options)).reduce((before, next) => before.pipe(next))
      yield { name: kinds.map((kind, index) => (index === bad ? kind.toUpperCase() : kind)).join(' | '), make }
    }
  }
}

const sink = () => new Writable({ objectMode: true, write: (_result, _encoding, done) => done() })

describe('the error of a stage', () => {
  for (const { name, make } of pipelines({ buffer: 1 })) {
    test(`is the cause for sends that wait: ${name}`, async () => {
      const stream = make().open()
      const sends = Array.from({ length: 14 }, (_, n) => outcome(stream.send(n)))
      const results = []
      const read = outcome(
        (async () => {
          for await (const result of stream) results.push(result)
        })(),
      )
      const end = await soon(stream.closed, 'closed')
      assert.deepEqual([end.reason, end.error.message, end.stage], ['failed', 'of the function', 'throwing'])
      const refused = (await soon(Promise.all(sends), 'sends')).filter(({ error }) => error !== undefined)
      assert.ok(refused.length > 0)
      for (const { error } of refused) assert.deepEqual([error.code, error.cause], ['VELO_CLOSED', end.error])
      assert.equal((await soon(read, 'the read')).error, end.error)
      assert.deepEqual(results, [0, 1, 2])
      const late = (await outcome(stream.send(99))).error
      assert.deepEqual([late.code, late.cause], ['VELO_CLOSED', end.error])
    })
  }

  for (const { name, make } of pipelines({ buffer: 4 })) {
    test(`fails a pipeline() through its Duplex, and one of itself: ${name}`, async () => {
      for (const through of [make().open().toDuplex(), make()]) {
        const source = Readable.from(Array.from({ length: 2_000 }, (_, n) => n))
        await assert.rejects(soon(pipeline(source, through, sink()), 'pipeline'), { name: 'RangeError', message: 'of the function' })
      }
    })
  }
})

noUnhandledRejections('errors of stages')
