// What is loaded with its first use (js/kit/start/late.ts): it comes at once, or whoever asked for it hears why not, and nothing was taken.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { child } from '../support/child.mjs'

const timeout = 30_000
const HEAD = `import { consume, runtime, streamFn } from 'velo-stream'
  const local = streamFn(async function* (events) { for await (const n of events) yield n + 1 })
  const told = ({ code, message }) => [code, message.includes('require ES modules')]
  const print = (value) => console.log(JSON.stringify(value))`

async function printed(source, flags) {
  const { stdout, stderr } = await child(`${HEAD}\n${source}`, { flags })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

test('where ES modules cannot be required, functions for worker threads say so when they are made; local ones work', {
  timeout,
}, async () => {
  const source = `let refused
    try { streamFn(new URL('file:///double.mjs'), { placement: 'worker' }) } catch (error) { refused = told(error) }
    const warmed = await runtime.warm().catch(told)
    print([refused, warmed, await local.run([1, 2]), runtime.snapshot().streamsOpen])`
  const refusal = ['VELO_NATIVE_LOAD', true]
  assert.deepEqual(await printed(source, ['--no-experimental-require-module']), [refusal, refusal, [2, 3], 0])
})

test('consume listens to its source at once', { timeout }, async () => {
  const source = `import { createReadStream } from 'node:fs'
    print(await consume(local, { source: createReadStream('/nothing/is/here') }).catch(({ code }) => code))`
  assert.equal(await printed(source, []), 'ENOENT')
})
