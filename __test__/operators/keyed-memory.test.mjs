// However many keys pass through a keyed function, it holds `maxKeys` of them. In a process of its own: it measures memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { output } from '../support/child.mjs'

const KEYS = 1_000_000
const MAX_KEYS = 1000
const MB = 2 ** 20

test('1 000 000 distinct keys through maxKeys: 1000 hold memory flat', { timeout: 120_000 }, async () => {
  const printed = await output(
    `import { keyed } from 'velo-stream/operators'
    const operator = keyed(
      async function* (events) {
        let count = 0
        for await (const _ of events) count++
        yield count
      },
      { by: (event) => event, maxKeys: ${MAX_KEYS} },
    )
    async function* source(count) {
      for (let i = 0; i < count; i++) yield 'key ' + i
    }
    const held = () => {
      gc()
      return process.memoryUsage().heapUsed
    }
    const pass = async (count) => {
      let [read, most, open] = [0, 0, 0]
      for await (const { value } of operator(source(count))) {
        read += value
        if (read % 50_000 !== 0) continue
        most = Math.max(most, held())
        open = Math.max(open, operator.metrics.keysOpen)
      }
      return { read, most, open }
    }
    await pass(20_000)
    const before = held()
    const { read, most, open } = await pass(${KEYS})
    console.log(JSON.stringify({ read, open, grown: most - before, left: held() - before }))`,
    { ms: 100_000, flags: ['--expose-gc'] },
  )
  const { read, open, grown, left } = JSON.parse(printed)
  assert.equal(read, KEYS)
  assert.ok(open > 0 && open <= MAX_KEYS, `${open} keys at once`)
  // A parked generator with its events costs about 2 KB.
  assert.ok(grown < MAX_KEYS * 4096 + MB, `${grown} bytes more while it ran`)
  assert.ok(left < MB, `${left} bytes are left`)
})
