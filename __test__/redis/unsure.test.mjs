// What a client rejects with while nobody knows whether a command was done: it is asked again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeoutError } from 'redis'
import { Scripts } from '../../target/js/redis/session/scripts/script.js'

test('a command that node-redis could not send in time is asked again', async () => {
  let asked = 0
  const scripts = new Scripts({ close() {} }, 10_000)
  const answer = await scripts.asked(async () => {
    if (++asked < 3) throw new TimeoutError()
    return 'answer'
  })
  assert.deepEqual([answer, asked], ['answer', 3])
})
