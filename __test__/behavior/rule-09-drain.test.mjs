// Rule 9: drain() ends the streams of the process in good order, for ever. Each case is a process of its own.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const script = fileURLToPath(new URL('../fixtures/drain.mjs', import.meta.url))

/** Runs one case in a process of its own, which must exit by itself with 0; answers what it printed. */
async function drained(name) {
  const child = {}
  const done = new Promise((resolve, reject) => {
    child.process = execFile(process.execPath, [script, name], (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} exited with ${error.code ?? error.signal}: ${stderr}`))
      else resolve(JSON.parse(stdout))
    })
  })
  try {
    return await within(15_000, done, name)
  } finally {
    child.process.kill()
  }
}

const refused = { class: true, code: 'VELO_DRAINING', retryable: false }

test('rule 9: with nothing open, drain() resolves', async () => {
  assert.deepEqual(await drained('nothingOpen'), { streamsOpen: 0 })
})

test('rule 9: new streams are refused with VELO_DRAINING on every path, also where there is a line', async () => {
  const { refused: count, ...got } = await drained('refusesNewOnes')
  assert.deepEqual(got, { open: refused, run: refused, call: refused, pipe: refused, fresh: refused, after: refused })
  assert.equal(count, 6)
})

test('rule 9: running streams go on, take events and finish, and drain() waits for them', async () => {
  const { closedBy, ...got } = await drained('runningOnesFinish')
  assert.deepEqual(got, {
    early: false,
    drained: true,
    read: ['before', 'during', 'summary'],
    results: [1, 2, 'summary'],
    reason: 'done',
  })
  assert.equal(closedBy.done, 2)
  assert.equal(closedBy.aborted, 0)
})

test('rule 9: a second call shares the promise and may bring the deadline forward, never back', async () => {
  assert.deepEqual(await drained('secondCallBringsTheDeadlineForward'), { shared: true, early: false, late: false, reason: 'aborted' })
})

test('rule 9: at the deadline what still runs is aborted', async () => {
  assert.deepEqual(await drained('deadlineAborts'), {
    early: false,
    late: false,
    reasons: ['aborted', 'aborted', 'aborted'],
    errors: ['AbortError', 'AbortError', 'AbortError'],
    read: { name: 'AbortError', code: 'VELO_ABORTED', cause: true },
    run: 'AbortError',
    log: ['AbortError', true, 'finally'],
    streamsOpen: 0,
  })
})

test('rule 9: a deadline of 0 aborts at once', async () => {
  assert.deepEqual(await drained('deadlineZero'), { reason: 'aborted', read: 'AbortError' })
})

test('rule 9: a stuck function does not hold drain() up for ever', async () => {
  assert.deepEqual(await drained('stuckIsDetached'), { reason: 'aborted', detached: true, streamsOpen: 0, streamsDetached: 1 })
})

test('rule 9: drain() twice is one drain', async () => {
  assert.deepEqual(await drained('twice'), { after: refused, streamsOpen: 0 })
})

test('rule 9: it is final: nothing opens after it has resolved', async () => {
  assert.deepEqual(await drained('finalAfterDone'), { open: refused, run: refused })
})

test('rule 9: a stream that waits in line ends too', async () => {
  assert.deepEqual(await drained('inLine'), { state: 'closed', first: 'closed', known: true, settled: 2, streamsWaiting: 0 })
})

test('rule 9: a process whose only pending thing is a drain with a deadline gets its answer and exits', async () => {
  assert.deepEqual(await drained('onlyTheDeadlineIsPending'), { reason: 'aborted' })
})

test('rule 9: an idle stream ends by its idle timeout while draining, summary and all', async () => {
  assert.deepEqual(await drained('idleOnesAreLeftToTheirTimer'), { summary: { count: 1 }, reason: 'idle' })
})

test('rule 9: a stream that is closing is waited for', async () => {
  assert.deepEqual(await drained('closingOnesAreWaitedFor'), { early: false, drained: true, reason: 'closed' })
})

test('rule 9: unread results of a finished stream neither hold the drain up nor get lost', async () => {
  assert.deepEqual(await drained('unreadResultsStay'), { reason: 'done', results: [1, 2, 3] })
})

test('rule 9: a function that throws while draining fails as ever', async () => {
  assert.deepEqual(await drained('functionsThatThrow'), { same: true, reason: 'failed' })
})

test('rule 9: wrong options are refused and drain nothing', async () => {
  const config = 'VELO_CONFIG'
  assert.deepEqual(await drained('wrongOptions'), { codes: [config, config, config, config, config, config], open: 'closed' })
})

noUnhandledRejections('rule 9')
