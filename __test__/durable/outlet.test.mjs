// Whoever reads a durable stream hears late that a thread was lost: the life in its place is read, and not waited for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outlet } from '../../target/js/durable/stream/outlet.js'
import { encodeRecord } from '../../target/js/workers/codec/record.js'
import { deferred } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 30_000
const record = encodeRecord('second life', 'structured')

/** A durable stream whose first life has lost its thread; `goesOn` is what it tells of that. */
function stream(goesOn) {
  const first = { recv: deferred(), isOver: true }
  const owner = {
    codec: 'structured',
    records: { recv: () => first.recv.promise },
    delivered() {},
    readToTheEnd() {},
    why: (error) => error,
    goesOn,
  }
  return { owner, lose: (error) => first.recv.reject(error), follow: () => (owner.records = { recv: async () => record }) }
}

test('a read that hears of the loss when another life has the place goes on with that', async () => {
  const { owner, lose, follow } = stream(() => assert.fail('the life at hand has lost nothing'))
  const read = new Outlet(owner, undefined).recv(undefined)
  follow()
  lose(new Error('the thread is lost'))
  assert.equal(await within(LIMIT, read), 'second life')
})

test('a read that hears of it first waits for the life that follows', async () => {
  const following = deferred()
  const { owner, lose, follow } = stream(() => following.promise)
  const read = new Outlet(owner, undefined).recv(undefined)
  lose(new Error('the thread is lost'))
  follow()
  following.resolve()
  assert.equal(await within(LIMIT, read), 'second life')
})
