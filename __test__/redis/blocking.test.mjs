// The connection for reads that wait: after each cut, whoever reads is told that an answer may be lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../support/parts.mjs'
import { Blocking } from '../../target/js/redis/source/blocking.js'
import { deferred, turns } from '../support/deferred.mjs'

test('cuts in a row, before a connection has said who it is: each one is told', async () => {
  let ready
  let number = 1
  const reads = []
  const own = {
    isCluster: false,
    isEnded: false,
    send([name]) {
      if (name !== 'CLIENT') {
        reads.push(deferred())
        return reads.at(-1).promise
      }
      return number === undefined ? Promise.reject(new Error('cut')) : Promise.resolve(number)
    },
    onReady: (told) => {
      ready = told
    },
    destroy() {},
  }
  const blocking = new Blocking({ duplicate: async () => own })
  const read = blocking.read(['XREADGROUP'], 60_000, false)
  await turns()
  assert.equal(blocking.isDoubtful, false)
  for (number of [undefined, undefined, 4, 5]) {
    ready()
    await turns()
    assert.equal(blocking.isDoubtful, true)
    blocking.isDoubtful = false
  }
  reads[0].resolve('entries')
  assert.equal(await read, 'entries')
  blocking.close()
})
