// Runs every test: cargo's, then all `__test__/**/*.test.mjs` with node:test. Fails when any of them fails.
//
//   node .ci/test.mjs [--node] [--rust] [--no-build] [--line | --border] [part of a path ...]
//
// `--node` and `--rust` choose one side; parts of paths choose files and mean `--node`. `--line` leaves out what is the same on every line of Node.js, and faults of servers of adapters; `--border` leaves
// only what meets Node.js itself: streams, their rules, worker threads, the add-on and the exports, without the longest repetitions of them.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'boolean' },
    rust: { type: 'boolean' },
    'no-build': { type: 'boolean' },
    line: { type: 'boolean' },
    border: { type: 'boolean' },
  },
})
const nodeOnly = values.node || positionals.length > 0

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
if (!nodeOnly) {
  run('cargo', ['test', '--workspace'])
  // Every crash point of the journal, by name.
  run('cargo', ['test', '-p', 'velo-journal', '--features', 'failpoints', '--test', 'journal', 'points'])
}
if (!values.rust) {
  if (!values['no-build']) run('npm', ['run', '--silent', 'build'])
  const files = testFiles('__test__')
    .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
    .filter((file) => !values.line || !(isSameOnAll(file) || isOfServers(file)))
    .filter((file) => !values.border || isOfBorder(file))
  if (values.line) process.env.VELO_LESS = 'true'
  if (files.length === 0) fail('no test file matches')
  // Three files at a time: while one waits, two cores have something to do. Those that measure the machine get it alone.
  const alone = files.filter((file) => file.endsWith('.alone.test.mjs'))
  const others = files.filter((file) => !alone.includes(file))
  if (others.length > 0) tests(3, longestFirst(others))
  if (alone.length > 0) tests(1, alone)
}

/** Runs test files, so many at a time. */
function tests(together, files) {
  run(process.execPath, ['--expose-gc', '.ci/node-tests.mjs', String(together), ...files])
}

/** Those that take longest, in this order, before all others: what begins last should not be what takes long. */
function longestFirst(files) {
  const longest = [
    'behavior/rule-13-idle',
    'workers/isolates',
    'workers/many',
    'behavior/rule-18-leaks',
    'workers/pool',
    'operators/memory',
    'behavior/rule-18-exit',
    'contract/package',
    'behavior/rule-03-no-loss',
    'workers/codec',
    'workers/reopen',
    'http/crowd',
    'workers/exits',
    'websocket/resume',
  ].map((name) => join('__test__', `${name}.test.mjs`))
  const place = (file) => (longest.includes(file) ? longest.indexOf(file) : longest.length)
  return files.toSorted((a, b) => place(a) - place(b))
}

/** Sources, types, the package and the benches, pages in a browser, metrics in Prometheus, files of the journal and deaths at its steps, parsers given chance, much at once, and what measures the machine.
 * Servers of one kind and fewer repetitions are enough then, too. */
function isSameOnAll(file) {
  const name = file.replaceAll('\\', '/')
  if (name.startsWith('__test__/contract/')) return !/(exports|native-load)\.test/.test(name)
  if (/^__test__\/((bench|peers)\/|cli\/(durable|files|journal|top)\.test|durable\/kills\.test)/.test(name)) return true
  return /\.alone\.test|\/(browser|charts|crashes|fuzz|large|many|memory|order-page|page|prometheus|types)\.test/.test(name)
}

/** How servers of adapters fail: the clients are the same on every line. What they do while all is well is not left out. */
function isOfServers(file) {
  const name = file.replaceAll('\\', '/')
  if (/^__test__\/cli\/(cluster|cluster-servers|consume|doctor-kafka)\.test/.test(name)) return true
  return /^__test__\/(redis|nats|kafka)\//.test(name) && !/\/(source|sink|conformance)\.test/.test(name)
}

/** What meets Node.js itself, but for what repeats it many thousand times. */
function isOfBorder(file) {
  const name = file.replaceAll('\\', '/')
  if (/\.alone\.test|\/(isolates|many|rule-18-leaks)\.test/.test(name)) return false
  return /^__test__\/((api|behavior|kit|model|workers)\/|contract\/(exports|native-load)\.)/.test(name)
}

/** Every test file under a folder. A test that Node 20 could not run is an error, not a file to pass over. */
function testFiles(folder) {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name))
  const odd = files.filter((file) => /\.(test|spec)\.[a-z]+$/.test(file) && !file.endsWith('.test.mjs'))
  if (odd.length > 0) fail(`these would not run, name them *.test.mjs: ${odd.join(', ')}`)
  return files.filter((file) => file.endsWith('.test.mjs')).sort()
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' && command === 'npm' })
  if (error) fail(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message) {
  console.error(`.ci/test.mjs: ${message}`)
  process.exit(1)
}
