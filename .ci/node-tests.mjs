// Runs test files with node:test in the order given: `node --expose-gc .ci/node-tests.mjs <how many at a time> <file ...>`. Not `node --test`, which
// sorts them by name: the longest would begin last and run alone. Flags of this process are those of the files. Fails when any test fails, and when
// nothing is heard of any test for VELO_SILENCE ms (300 000): what a failed test left open must not keep everything waiting.

import { readdirSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** ms of the tests of each file. */
const spent = new Map()
const SLOWEST = 12

const [together, ...files] = process.argv.slice(2)
const stop = new AbortController()
const silence = setTimeout(
  () => {
    const started = descendants(process.pid)
    stop.abort(new Error('nothing was heard of any test'))
    for (const pid of started) end(pid)
  },
  Number(process.env.VELO_SILENCE ?? 300_000),
).unref()

// By a signal: the option `timeout` does not end a file that hangs on Node 24.
run({ files: files.map((file) => resolve(file)), concurrency: Number(together), signal: stop.signal })
  .on('data', () => silence.refresh())
  .on('test:fail', ({ todo, ...test }) => {
    if (todo === undefined || todo === false) process.exitCode = 1
    took(test)
  })
  .on('test:pass', took)
  .compose(new spec())
  // Whatever still holds the output of a file does not keep this process.
  .on('end', () => process.stdout.write(slowest(), () => process.exit()))
  .pipe(process.stdout)

function took({ nesting, file, details }) {
  if (nesting === 0 && file !== undefined) spent.set(file, (spent.get(file) ?? 0) + details.duration_ms)
}

/** Where the time goes, in lines. */
function slowest() {
  const first = [...spent].sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
  return first.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s ${relative('.', file)}\n`).join('')
}

/** The processes that a process started, and those that these started. Where there is no /proc, none is known. */
function descendants(root) {
  const children = new Map()
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const parent = parentOf(pid)
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)])
    }
  } catch {}
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found.slice(1)
}

/** The parent of a process: the second field after its name, which may hold anything but its last parenthesis. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ', 1)[0])
  } catch {
    // It is over by now.
    return undefined
  }
}

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}
