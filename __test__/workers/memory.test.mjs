// What a worker stream holds is bounded, however many events go through it: a slow consumer makes the sender wait. A process of its own.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { output } from '../support/child.mjs'
import { prelude } from './functions/prelude.mjs'

const COUNT = 1_000_000
const SIZE = 1_024
const MB = 1 << 20

const relay = JSON.stringify(new URL('functions/relay.mjs', import.meta.url).href)

describe('memory', () => {
  test('1 000 000 events of 1 KB through a worker with a slow consumer: RSS stays within 64 MB of the start', {
    timeout: 120_000,
  }, async () => {
    const printed = await output(
      `${prelude}
      const fn = streamFn(${relay}, { placement: 'worker', codec: 'binary', idleTimeout: 0 })
      await fn.run(Array.from({ length: 100 }, () => new Uint8Array(${SIZE})))
      const stream = fn.open()
      gc()
      const before = process.memoryUsage.rss()
      let most = before
      let ahead = 0
      let sent = 0
      const sending = (async () => {
        for (let n = 0; n < ${COUNT}; n++) {
          const event = new Uint8Array(${SIZE})
          event[n % ${SIZE}] = 1 + (n & 127)
          await stream.send(event)
          sent++
        }
        stream.end()
      })()
      let read = 0
      for await (const result of stream) {
        if (result.length !== ${SIZE} || result[read % ${SIZE}] !== 1 + (read & 127)) throw new Error('event ' + read + ' is wrong')
        ahead = Math.max(ahead, sent - read)
        // It comes back a bit later each time: everybody else has had a turn.
        if (++read % 32 === 0) await new Promise(setImmediate)
        if (read % 5000 === 0) most = Math.max(most, process.memoryUsage.rss())
      }
      await sending
      console.log(JSON.stringify({ read, grown: (most - before) / ${MB}, ahead, seconds: (({ user, system }) => (user + system) / 1e6)(process.cpuUsage()) }))`,
      // A small young generation on the caller's side: what V8 lets lie there is garbage, and differs from line to line; what streams hold is the matter here.
      { ms: 100_000, flags: ['--expose-gc', '--max-semi-space-size=4'] },
    )
    const { read, grown, ahead, seconds } = JSON.parse(printed)
    assert.equal(read, COUNT)
    assert.ok(grown < 64, printed)
    assert.ok(seconds < 40, `${seconds} s of computing`)
    // An input and an output channel, and what is in hand.
    assert.ok(ahead <= 2 * 256 + 8, `${ahead} events under way`)
  })
})
