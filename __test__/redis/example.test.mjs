// The example of a feature store prints what it says, on each kind of server.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describeServers } from '../support/redis-servers.mjs'

const file = fileURLToPath(new URL('../../examples/feature-store.mjs', import.meta.url))

describeServers('examples/feature-store.mjs', ({ server }) => {
  test('prints what it says, and again', async () => {
    const expected = Array.from(readFileSync(file, 'utf8').matchAll(/^\/\/ expect: (.*)$/gm), ([, line]) => line)
    for (let run = 0; run < 2; run++) {
      const options = { env: { ...process.env, REDIS_URL: server().url }, timeout: 60_000 }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], options)
      assert.deepEqual([stdout.trimEnd().split('\n'), stderr], [expected, ''])
    }
  })
})
