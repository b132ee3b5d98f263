// `velo top` in a real terminal: live at both sizes and while it is resized, its keys, an abort, and a terminal that is as it was before, however it ends.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runtime, streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { showCluster } from '../../target/js/kit/sight/measures.js'
import { hasTerminal, terminal } from '../support/tmux.mjs'
import { within } from '../support/within.mjs'
import { folder } from './command.mjs'

const timeout = 120_000
const bin = fileURLToPath(new URL('../../dist/velo.js', import.meta.url))
const { path, write } = folder()
const ESC = '\u001b'
const SMALL = { width: 80, height: 24 }

const echo = streamFn(
  async function* echo(events) {
    yield* events
  },
  { idleTimeout: 0 },
)
/** So many streams, gone after the test. */
function opened(count, prefix = 'upload') {
  const streams = Array.from({ length: count }, (_, at) => echo.open({ id: `${prefix}-${String(at).padStart(2, '0')}` }))
  after(() => Promise.all(streams.map((stream) => stream.close())))
  return streams
}

let sockets = 0
/** Its socket, and the command that looks at it: `before` stands before `node`. Behind it the terminal says the exit code and whether it reads lines again. */
async function looking({ args = '--interval 100', before = 'NO_COLOR=1', target } = {}) {
  const socket = join(path, `${++sockets}.sock`)
  const exposed = target === undefined ? await runtime.expose({ path: socket }) : undefined
  if (exposed !== undefined) after(() => exposed.close())
  const line = `echo before; ${before} '${process.execPath}' '${bin}' top ${target ?? `--socket '${socket}'`} ${args}; echo "ended with $?, $(stty -a | grep -o -e '-*icanon')"`
  return { line, exposed }
}

/** The terminal is as it was, and says with which code it ended. */
async function isRestored(tty, code) {
  const screen = await tty.shows(/ended with/)
  assert.match(screen, new RegExp(`^before\\n[\\s\\S]*ended with ${code}, icanon`))
  assert.equal(await tty.modes(), '0 1 1')
}

/** The rows of the list by their ids. */
const idsOn = (screen) => screen.split('\n').flatMap((row) => /^[> ] (upload-\d+)/.exec(row)?.[1] ?? [])

test('live at 80x24 and 200x50, resized while it runs; q gives the terminal back', { timeout }, async (context) => {
  if (!hasTerminal(context)) return
  const streams = opened(60)
  const tty = await terminal((await looking({ args: '--interval 100 --sort id' })).line, SMALL)
  const small = await tty.shows(/BUF IN\n> upload-00 /)
  assert.equal(await tty.modes(), '1 0 0')
  assert.equal(idsOn(small).length, 16)
  assert.match(small, /60 open/)
  assert.doesNotMatch(small, /THREAD/)
  assert.ok(!(await tty.screen('-e')).includes(ESC), 'no colors')
  await streams[0].send(1)
  await tty.shows(/> upload-00 .* 1 +[01] +[01]\n/)
  await tty.resize(200, 50)
  const large = await tty.shows(/BYTES RUNS +THREAD LAST ERROR\n> upload-00[\s\S]*upload-41[\s\S]*q quit/)
  assert.equal(idsOn(large).length, 42)
  await tty.resize(40, 10)
  await tty.shows(/SINCE\n> upload-00[\s\S]*upload-01[\s\S]*q quit/)
  await tty.resize(80, 24)
  const again = await tty.shows(/BUF IN\n> upload-00[\s\S]*upload-15[\s\S]*q quit/)
  assert.deepEqual(idsOn(again), idsOn(small))
  assert.equal(again.split('\n').filter((row) => row.startsWith('velo top')).length, 1)
  await tty.keys('G')
  await tty.shows(/\n> upload-59/)
  await tty.keys('q')
  await isRestored(tty, 0)
})

test('clusters of the process, and latencies of the last minute, at both sizes', { timeout }, async (context) => {
  if (!hasTerminal(context)) return
  const [stream] = opened(1)
  const numbers = { prefix: 'orders', hosted: 3, open: 5, takeovers: 2, commits: 100, lag: 7, deadLetters: 1, unreplicated: 0 }
  after(showCluster(() => ({ ...numbers, commits: ++numbers.commits })))
  const tty = await terminal((await looking({ args: '--interval 100 --sort id' })).line, SMALL)
  const line = /\ncluster {2}orders {2}3 hosted {2}5 open {2}7 behind {2}1 given up {2}2 taken over {2}/
  const small = await tty.shows(line)
  assert.match(small, /\nlatency {2}none in the last minute/)
  assert.match(small, /\n> upload-00 /)
  // One event in 64 is timed.
  for (let n = 0; n < 256; n++) {
    await stream.send(n)
    await stream.recv()
  }
  await tty.shows(/\nlatency {2}p50 [\d.]+[mu]?s {2}p95 [\d.]+[mu]?s {2}p99 [\d.]+[mu]?s last min/)
  await tty.resize(200, 50)
  const large = await tty.shows(/BYTES RUNS/)
  assert.match(large, new RegExp(`${line.source}\\d+ commits/s\\n`))
  await tty.keys('q')
  await isRestored(tty, 0)
})

test('search, detail, pause, and an abort after a question', { timeout }, async (context) => {
  if (!hasTerminal(context)) return
  const streams = opened(5)
  const [evil] = opened(1, `evil ${ESC}[2J`)
  const tty = await terminal((await looking({ args: '--interval 100 --sort id' })).line, SMALL)
  await tty.shows(/> evil \\u\{1b\}\[2J-00/)
  await tty.type('/upload-03')
  await tty.shows(/1 of 6 streams, by id up, with "upload-03"\n.*\n> upload-03[\s\S]*search: upload-03_/)
  await tty.keys('Enter', 'Enter')
  await tty.shows(/stream +upload-03\nstate +open for .*, waits for event[\s\S]*last 1 changes\n +\d\d:\d\d:\d\d/)
  await tty.keys('a')
  await tty.shows(/Abort stream "upload-03"\? \[y\/N\]/)
  await tty.keys('n')
  await tty.shows(/nothing was aborted/)
  assert.equal(streams[3].state, 'open')
  await tty.keys('a')
  await tty.shows(/Abort stream/)
  await tty.keys('y')
  const end = await within(30_000, streams[3].closed, 'it ends')
  assert.equal(end.reason, 'aborted')
  await tty.shows(/this stream is over/)
  await tty.keys('Escape')
  await tty.shows(/no stream has that/)
  await tty.keys('Escape')
  await tty.shows(/5 of 5 streams/)
  await tty.keys('p')
  await tty.shows(/PAUSED/)
  await evil.close()
  await streams[0].close()
  await tty.keys('r')
  const paused = await tty.shows(/by id down/)
  assert.match(paused, /5 of 5 streams/)
  assert.match(paused, /upload-00/)
  await tty.keys('p')
  await tty.shows(/3 of 3 streams/)
  await tty.keys('C-c')
  await isRestored(tty, 130)
})

test('colors, where nobody objects; a service; and one that goes and comes back', { timeout }, async (context) => {
  if (!hasTerminal(context)) return
  opened(2)
  const serving = async (port) => {
    const server = createServer({ functions: { echo }, grace: 0, admin: { readOnly: true } })
    after(() => server.close())
    await server.listen(port)
    return server
  }
  const server = await serving(0)
  const { port } = server.address
  const { line } = await looking({ before: 'env -u NO_COLOR', target: `--url http://127.0.0.1:${port}` })
  const tty = await terminal(line, SMALL)
  await tty.shows(/> upload-00/)
  assert.match(await tty.screen('-e'), new RegExp(`${ESC}\\[1mvelo top`))
  await tty.keys('a')
  await tty.shows(/Abort stream/)
  await tty.keys('y')
  await tty.shows(/403 streams cannot be aborted here/)
  await server.close()
  await tty.shows(/LOST[\s\S]*nothing comes any more: .*ECONNREFUSED; trying again/)
  await serving(port)
  await tty.shows(/> upload-00[\s\S]*q quit/)
  await tty.keys('q')
  await isRestored(tty, 0)
})

test('signals, errors, and the shell get the terminal back as it was', { timeout }, async (context) => {
  if (!hasTerminal(context)) return
  opened(1)
  const hook = write(
    'hook.mjs',
    `import { writeFileSync } from 'node:fs'
    writeFileSync(process.env.PID_FILE, String(process.pid))
    process.on('SIGUSR2', () => { throw new Error('boom') })`,
  )
  const before = `NO_COLOR=1 NODE_OPTIONS='--import=${hook}'`
  const kinds = [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGUSR2', 1],
  ]
  await Promise.all(
    kinds.map(async ([signal, code]) => {
      const file = join(path, `${signal}.pid`)
      const { line } = await looking({ before: `${before} PID_FILE='${file}'` })
      const tty = await terminal(line, SMALL)
      await tty.shows(/> upload-00/)
      process.kill(Number(readFileSync(file, 'utf8')), signal)
      await isRestored(tty, code)
      if (signal === 'SIGUSR2') assert.match(await tty.screen(), /Error: boom/)
    }),
  )
})
