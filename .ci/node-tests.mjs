// Runs test files with node:test in the order given: `node --expose-gc .ci/node-tests.mjs <how many at a time> <file ...>`. Not `node --test`, which
// sorts them by name: the longest would begin last and run alone. Flags of this process are those of the files. Fails when any test fails.

import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const [together, ...files] = process.argv.slice(2)
run({ files: files.map((file) => resolve(file)), concurrency: Number(together) })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1
  })
  .compose(new spec())
  .pipe(process.stdout)
