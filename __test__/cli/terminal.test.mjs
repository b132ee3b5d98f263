// What people see: progress and colors on a real terminal, messages that hold text of strangers, and ways out of what hangs.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../support/within.mjs'
import { folder, start, velo } from './command.mjs'

const { path, write } = folder()
const pass = write('pass.mjs', 'export default async function* (events) { yield* events }')
/** Gives no result before progress has been drawn. */
const seen = write(
  'seen.mjs',
  `const { stderr } = process
  const write = stderr.write.bind(stderr)
  const drawn = new Promise((resolve) => {
    stderr.write = (text, ...more) => {
      if (text.includes('0 results')) resolve()
      return write(text, ...more)
    }
  })
  export default async function* (events) { for await (const event of events) { await drawn; yield event } }`,
)
const input = write('input.ndjson', '1\n2\n')
const bin = fileURLToPath(new URL('../../dist/velo.js', import.meta.url))

/** Runs `velo ...` on a terminal, which `script` makes; answers what it showed. */
async function onTerminal(words, env = {}) {
  const line = `'${process.execPath}' '${bin}' ${words}`
  const args = process.platform === 'linux' ? ['-qec', line, '/dev/null'] : ['-q', '/dev/null', 'sh', '-c', line]
  const clean = { ...process.env, TERM: 'xterm', NO_COLOR: undefined, FORCE_COLOR: undefined, NODE_OPTIONS: undefined, ...env }
  const child = spawn('script', args, { env: clean, stdio: ['ignore', 'pipe', 'inherit'] })
  after(() => child.kill('SIGKILL'))
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (shown += text))
  const closed = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  await within(30_000, closed, line)
  return shown
}

const ESC = '\u001b'

if (process.platform !== 'win32') {
  test('on a terminal progress is drawn, in color unless NO_COLOR says no', async () => {
    const to = join(path, 'results.ndjson')
    const colored = await onTerminal(`run '${seen}' '${input}' > '${to}'`)
    assert.match(colored, /\d events, 0 results/)
    assert.ok(colored.includes(`\r${ESC}[K${ESC}[2m2 events, 2 results`), JSON.stringify(colored))
    assert.equal(readFileSync(to, 'utf8'), '1\n2\n')
    const plain = await onTerminal(`run '${seen}' '${input}' > '${to}'`, { NO_COLOR: '1' })
    assert.ok(plain.includes(`\r${ESC}[K2 events, 2 results`), JSON.stringify(plain))
    assert.ok(!plain.includes(`${ESC}[2m`))
  })

  test('results on a terminal are not mixed with progress, unless it is asked for', async () => {
    assert.equal(await onTerminal(`run '${pass}' '${input}'`), '1\r\n2\r\n')
    assert.match(await onTerminal(`run '${seen}' '${input}' --progress`), /2 events, 2 results/)
  })

  test('a message in the middle of a run has a line of its own', async () => {
    const bad = write('bad.ndjson', '1\n2\n{\n')
    const shown = await onTerminal(`run '${seen}' '${bad}' > '${join(path, 'some.ndjson')}'`, { NO_COLOR: '1' })
    assert.match(shown, /\r.\[Kvelo: .*bad\.ndjson: line 3 is no JSON/)
  })
}

test('what an input holds moves no cursor and makes up no messages', async () => {
  const { code, err } = await velo(['run', pass], { input: `${ESC}[2J\u009bevil\n` })
  assert.equal(code, 2)
  assert.match(err, /^velo: line 1 is no JSON: .*\\x1b.*\\x9bevil/)
  const throwing = write('throwing.mjs', 'export default async function* (events) { for await (const e of events) throw new Error(e) }')
  const forged = await velo(['run', throwing], { input: `${JSON.stringify('no\nvelo: all is well')}\n` })
  assert.equal(forged.code, 1)
  assert.doesNotMatch(forged.err, /^velo: all is well/m)
})

test('a function that waits for what cannot happen: said, exit code 1, its results are written', async () => {
  const stuck = write('stuck.mjs', 'export default async function* (events) { yield* events; await new Promise(() => {}) }')
  const { code, out, err } = await velo(['run', stuck], { input: '1\n' })
  assert.deepEqual([code, out], [1, '1\n'], err)
  assert.match(err, /^velo: the function waits for something that cannot happen/)
  const json = await velo(['run', stuck, '--json'], { input: '1\n' })
  const { exitCode, error } = JSON.parse(json.err)
  assert.deepEqual([json.code, exitCode, error.name], [1, 1, 'StuckError'])
})

if (process.platform !== 'win32') {
  test('Ctrl-C ends a module that does not finish loading', async () => {
    const loading = write('loading.mjs', `console.error('loading'); setInterval(() => {}, 1e9); await new Promise(() => {})`)
    const run = start(['run', loading])
    await run.err(/loading/)
    run.child.kill('SIGINT')
    assert.equal((await run.ended()).signal, 'SIGINT')
  })
}
