// What people read of a stream and of a refusal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { runtime, streamFn } from 'velo-stream'
import { output } from '../support/child.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

describePlacements('console.log(stream)', (place) => {
  test('shows id, state and counts', async () => {
    const stream = place(same).open({ id: 'shown' })
    await within(5000, stream.send(10), 'send')
    await within(5000, stream.recv(), 'recv')
    const shown = inspect(stream, { breakLength: Infinity })
    assert.match(shown, /^Stream \{ id: 'shown', state: 'open', eventsIn: 1, eventsOut: 1, dropped: \{ events: 0, results: 0 \} \}$/)
    assert.match(inspect({ stream }), /Stream \{/)
    await stream.close()
    assert.match(inspect(stream), /state: 'closed'/)
  })
})

test('the limit of the process is named only where one is set', () => {
  const fn = streamFn(same, { name: 'one', maxConcurrent: 1 })
  const first = fn.open()
  const refusal = () => {
    try {
      fn.open()
    } catch (error) {
      return error.message
    }
    return assert.fail('it was opened')
  }
  assert.equal(refusal(), 'stream function one: 1 streams are open')
  runtime.configure({ maxConcurrent: 100 })
  assert.equal(refusal(), 'stream function one: 1 streams are open, or the process is at its limit, 100')
  runtime.configure({ maxConcurrent: 0 })
  assert.equal(refusal(), 'stream function one: 1 streams are open')
  return first.close()
})

test('every thread knows the limit of the process, whichever has set it', async () => {
  const file = JSON.stringify(import.meta.resolve('velo-stream'))
  const said = await output(`
    import { Worker } from 'node:worker_threads'
    import { runtime, streamFn } from 'velo-stream'
    const refusal = (streamFn) => {
      const fn = streamFn(async function* one(events) { yield* events }, { maxConcurrent: 1 })
      fn.open()
      try { fn.open() } catch (error) { return error.message }
    }
    const source = \`
      import { parentPort } from 'node:worker_threads'
      import { runtime, streamFn } from ${file}
      const refusal = \${refusal}
      parentPort.on('message', (limit) => {
        if (limit !== undefined) runtime.configure({ maxConcurrent: limit })
        parentPort.postMessage(refusal(streamFn))
      })\`
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)))
    const asked = (limit) => new Promise((resolve) => { worker.once('message', resolve); worker.postMessage(limit) })
    console.log(await asked(undefined))
    runtime.configure({ maxConcurrent: 100 })
    console.log(await asked(undefined))
    await asked(200)
    console.log(refusal(streamFn))
    await asked(0)
    console.log(refusal(streamFn))
    await worker.terminate()`)
  const open = 'stream function one: 1 streams are open'
  const at = (limit) => `${open}, or the process is at its limit, ${limit}`
  assert.deepEqual(said.split('\n'), [open, at(100), at(200), open])
})
