// What is loaded with its first use (js/kit/start/late.ts) is loaded synchronously, also where ES modules cannot be required.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { child } from '../support/child.mjs'

const timeout = 30_000
const HEAD = `import { consume, runtime, streamFn } from 'velo-stream'
  const local = streamFn(async function* (events) { for await (const n of events) yield n + 1 })
  const print = (value) => console.log(JSON.stringify(value))`

async function printed(source, flags) {
  const { stdout, stderr } = await child(`${HEAD}\n${source}`, { flags })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

test('late modules load where ES modules cannot be required', { timeout }, async () => {
  const source = `const double = streamFn(new URL('__test__/workers/functions/echo.mjs', 'file://' + process.cwd() + '/'), { placement: 'worker' })
    await runtime.warm()
    print([await double.run([1, 2]), await local.run([1, 2]), runtime.snapshot().streamsOpen])`
  assert.deepEqual(await printed(source, ['--no-experimental-require-module']), [[1, 2], [2, 3], 0])
})

test('consume listens to its source at once', { timeout }, async () => {
  const source = `import { createReadStream } from 'node:fs'
    print(await consume(local, { source: createReadStream('/nothing/is/here') }).catch(({ code }) => code))`
  assert.equal(await printed(source, []), 'ENOENT')
})
