// Runs test files with node:test in the order given: `node --expose-gc .ci/node-tests.mjs <how many at a time> <file ...>`. Not `node --test`, which
// sorts them by name: the longest would begin last and run alone. Flags of this process are those of the files. Fails when any test fails, and when
// nothing is heard of any test for VELO_SILENCE ms (300 000): what a failed test left open must not keep everything waiting.

import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const [together, ...files] = process.argv.slice(2)
const stop = new AbortController()
const silence = setTimeout(
  () => stop.abort(new Error('nothing was heard of any test')),
  Number(process.env.VELO_SILENCE ?? 300_000),
).unref()

// By a signal: the option `timeout` does not end a file that hangs on Node 24.
run({ files: files.map((file) => resolve(file)), concurrency: Number(together), signal: stop.signal })
  .on('data', () => silence.refresh())
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1
  })
  .compose(new spec())
  .pipe(process.stdout)
