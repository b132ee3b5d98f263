// Ctrl-C and SIGTERM at a function of `velo run` that does not give the main thread back, with real processes. Where it does, see run.test.mjs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { folder, start } from './command.mjs'

const { write } = folder()
const skip = process.platform === 'win32' && 'no signals'

/** Answers once, and computes for ever then. */
const busy = write(
  'busy.mjs',
  `import { writeSync } from 'node:fs'
  export default async function* (events) {
    for await (const event of events) {
      if (event > 1) { writeSync(2, 'busy\\n'); for (;;); }
      yield event
    }
  }`,
)
/** Computes for so many ms, and ends in good order. */
const long = write(
  'long.mjs',
  `import { writeSync } from 'node:fs'
  export default async function* (events) {
    try {
      for await (const event of events) { writeSync(2, 'computing\\n'); for (const end = performance.now() + event; performance.now() < end; ); yield 'computed' }
    } finally { writeSync(2, 'finally\\n') }
  }`,
)
/** Computes for ever as it is told to end. */
const late = write(
  'late.mjs',
  `import { writeSync } from 'node:fs'
  export default async function* (events) {
    try { yield* events } finally { writeSync(2, 'busy\\n'); for (;;); }
  }`,
)

/** Signals of one kind that wait are one: they are sent until the process has ended. */
async function ended(run, signal) {
  const again = setInterval(() => run.child.kill(signal), 100)
  const asked = performance.now()
  try {
    return { ...(await run.ended()), ms: performance.now() - asked }
  } finally {
    clearInterval(again)
  }
}

describe('a function that keeps the main thread', { skip, concurrency: 2 }, () => {
  for (const args of [[], ['--worker']]) {
    test(`a second Ctrl-C ends it, with what was written before: velo run ${args.join(' ')}`, async () => {
      const run = start(['run', busy, ...args])
      run.stdin.write('1\n')
      await run.out(/^1\n/)
      run.stdin.write('2\n')
      await run.err(/busy/)
      const { code, signal, out, ms } = await ended(run, 'SIGINT')
      assert.deepEqual([code, signal, out], [130, null, '1\n'])
      assert.ok(ms < 5000, `${ms} ms`)
    })
  }

  test('a second Ctrl-C ends one that computes in its finally', async () => {
    const run = start(['run', late])
    run.stdin.write('1\n')
    await run.out(/^1\n/)
    run.child.kill('SIGINT')
    await run.err(/busy/)
    const { code, signal, out } = await ended(run, 'SIGINT')
    assert.deepEqual([code, signal, out], [130, null, '1\n'])
  })

  test('SIGTERM alone ends it', async () => {
    const run = start(['run', busy])
    run.stdin.write('1\n')
    await run.out(/^1\n/)
    run.stdin.write('2\n')
    await run.err(/busy/)
    run.child.kill('SIGTERM')
    const { code, signal, out } = await run.ended()
    assert.deepEqual([code, signal, out], [143, null, '1\n'])
  })

  test('a first Ctrl-C leaves it the time it takes', async () => {
    const run = start(['run', long])
    // Longer than it may take to hear of a second one.
    run.stdin.write('2000\n')
    await run.err(/computing/)
    run.child.kill('SIGINT')
    const { code, out, err } = await run.ended()
    assert.deepEqual([code, out], [130, '"computed"\n'])
    assert.match(err, /finally/)
  })
})
