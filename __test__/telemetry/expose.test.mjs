// runtime.expose(): a socket for its user alone, that says what runs, aborts a stream, refuses what is wrong, and is gone when it shall be.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runtime, streamFn } from 'velo-stream'
import { within } from '../support/within.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'velo-expose-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const at = (name) => join(folder, name)

const echo = streamFn(async function* echo(events) {
  yield* events
})

/** One request at a socket: `{ status, type, body }`, the body as JSON where it is. */
function ask(socketPath, path, { method = 'GET', headers = {}, body } = {}) {
  const answered = new Promise((resolve, reject) => {
    const req = request({ socketPath, path, method, headers, agent: false }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.on('end', () => {
        const type = res.headers['content-type']
        resolve({ status: res.statusCode, type, body: type === 'application/json' && text !== '' ? JSON.parse(text) : text })
      })
    })
    req.on('error', reject)
    req.end(body)
  })
  return within(30_000, answered, `${method} ${path}`)
}

/** Bytes written to a socket as they are, and all that comes back until it ends. */
function raw(path, text) {
  const said = new Promise((resolve, reject) => {
    let got = ''
    const socket = connect(path, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part) => (got += part))
    socket.on('error', reject)
    socket.on('close', () => resolve(got))
  })
  return within(30_000, said, 'the end of the connection')
}

/** A process that runs a script of a module; resolves with its first line, and later with its exit code. */
async function process_(script) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  const line = new Promise((resolve) => child.stdout.setEncoding('utf8').once('data', (text) => resolve(text.trim())))
  return { child, line: await within(30_000, line, 'its first line'), ended: () => within(30_000, ended, 'its end') }
}

const EXPOSING = (path) => `
  import { runtime, streamFn } from 'velo-stream'
  const stream = streamFn(async function* there(events) { yield* events }, { idleTimeout: 0 }).open({ id: 'elsewhere' })
  const { path } = await runtime.expose(${path === undefined ? '' : `{ path: ${JSON.stringify(path)} }`})
  process.stdin.on('end', () => process.exit()).resume()
  console.log(path)`

if (process.platform === 'win32') {
  test('Windows is told that it has none', async () => {
    await assert.rejects(runtime.expose({ path: at('none') }), { code: 'VELO_CONFIG', field: 'runtime.expose(options)' })
  })
} else {
  test('the process, its streams, one of them, its metrics, and the abort of one', async () => {
    const path = at('all')
    await using_(await runtime.expose({ path }), async () => {
      assert.equal(lstatSync(path).mode & 0o777, 0o600)
      assert.ok(lstatSync(path).isSocket())
      const stream = echo.open({ id: 'a/b c?', headers: { cookie: 'mine' } })
      await stream.send(1)
      await stream.recv()
      const { body } = await ask(path, '/overview')
      assert.deepEqual([body.process.pid, body.totals.streamsOpen], [process.pid, 1])
      const list = await ask(path, '/streams?sort=id&search=echo&limit=5')
      assert.deepEqual([list.status, list.body.matching, list.body.streams[0].id], [200, 1, 'a/b c?'])
      assert.deepEqual(list.body.streams[0].headers, { cookie: '[redacted]' })
      const one = `/streams/${encodeURIComponent('a/b c?')}`
      const detail = await ask(path, one)
      assert.deepEqual([detail.body.stream.eventsIn, detail.body.changes.at(-1).waitingFor], [1, 'event'])
      const metrics = await ask(path, '/metrics')
      assert.match(metrics.body, /velo_streams_open\{function="echo",placement="local"\} 1/)
      assert.equal((await ask(path, `${one}/abort`, { method: 'POST' })).body.aborted, 'a/b c?')
      assert.equal((await stream.closed).reason, 'aborted')
      assert.equal((await ask(path, one)).status, 404)
      assert.deepEqual((await ask(path, `${one}/abort`, { method: 'POST' })).body.error.code, 'NO_STREAM')
    })
    assert.ok(!existsSync(path))
    assert.deepEqual(readdirSync(folder), [])
  })

  test('modules that are linked from elsewhere are loaded once', async () => {
    const home = mkdtempSync(join(tmpdir(), 'velo-linked-'))
    after(() => rmSync(home, { recursive: true, force: true }))
    const packages = join(home, 'packages')
    mkdirSync(packages)
    for (const name of ['first', 'second']) writeFileSync(join(packages, `${name}.mjs`), 'export const { url } = import.meta')
    symlinkSync(packages, join(home, 'linked'))
    const loaded = async (name) => (await import(pathToFileURL(join(home, 'linked', `${name}.mjs`)))).url
    const real = (name) => pathToFileURL(join(realpathSync(packages), `${name}.mjs`)).href
    // The loader goes by what was looked at last, which is no socket of a test before. The folders above are known to it from then on.
    assert.ok(statSync(packages).isDirectory())
    assert.equal(await loaded('first'), real('first'))
    await using_(await runtime.expose({ path: at('linked') }), async () => {
      assert.equal(await loaded('second'), real('second'))
    })
  })

  test('what is wrong is said, and what only reads aborts nothing', async () => {
    const path = at('wrong')
    await using_(await runtime.expose({ path, readOnly: true }), async () => {
      const refused = async (status, code, url, options) => {
        const { status: got, body } = await ask(path, url, options)
        assert.deepEqual([got, body.error?.code], [status, code], url)
        return body.error.message
      }
      await refused(404, 'NOT_FOUND', '/')
      await refused(404, 'NOT_FOUND', '/streams/a/b')
      await refused(404, 'NOT_FOUND', '/streams/%ff')
      await refused(404, 'NO_STREAM', '/streams/nobody')
      await refused(405, 'METHOD_NOT_ALLOWED', '/streams', { method: 'DELETE' })
      await refused(405, 'METHOD_NOT_ALLOWED', '/streams/nobody/abort')
      await refused(403, 'READ_ONLY', '/streams/nobody/abort', { method: 'POST' })
      await refused(414, 'URI_TOO_LONG', `/streams?search=${'x'.repeat(5000)}`)
      await refused(413, 'PAYLOAD_TOO_LARGE', '/streams', { body: 'x', headers: { 'content-length': 1 } })
      assert.match(await refused(400, 'VELO_CONFIG', '/streams?sort=size'), /sort: expected 'waitingMs' or .*got 'size' \(string\)/)
      await refused(400, 'VELO_CONFIG', '/streams?limit=many')
      await refused(400, 'VELO_CONFIG', '/streams?limit=10001')
      await refused(400, 'VELO_CONFIG', '/streams?sort=id&sort=ageMs')
      await refused(400, 'VELO_CONFIG', '/streams?__proto__=1')
      assert.match(await raw(path, 'what is this\r\n\r\n'), /^HTTP\/1\.1 400 /)
      assert.match(await raw(path, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
    })
  })

  test('a path in use is refused by name, and what is no socket stays', async () => {
    const path = at('taken')
    const field = 'runtime.expose(options).path'
    await using_(await runtime.expose({ path }), async () => {
      const message = `${field}: expected a path that no process uses (process ${process.pid} answers there), got '${path}' (string)`
      await assert.rejects(runtime.expose({ path }), { code: 'VELO_CONFIG', field, message })
      assert.equal((await ask(path, '/overview')).status, 200)
    })
    const file = at('file')
    writeFileSync(file, 'mine')
    symlinkSync(file, at('link'))
    for (const name of [file, at('link')]) await assert.rejects(runtime.expose({ path: name }), { field }, name)
    await assert.rejects(runtime.expose({ path: at('no/such/folder') }), { field, message: /ENOENT/ })
    await assert.rejects(runtime.expose({ path: `/${'x'.repeat(200)}` }), { field, message: /at most 103 bytes/ })
    const deep = at('x'.repeat(103 - folder.length - 4))
    mkdirSync(deep)
    await assert.rejects(runtime.expose({ path: join(deep, 's') }), { field, message: /folder with a name of at most/ })
    await assert.rejects(runtime.expose({ path: '' }), { field })
    await assert.rejects(runtime.expose({ way: '/' }), { field: 'runtime.expose(options).way' })
    for (const name of [deep, file, at('link')]) rmSync(name, { recursive: true })
    assert.deepEqual(readdirSync(folder), [])
  })

  test('of many that want a path at once one gets it', async () => {
    const path = at('race')
    const tried = await Promise.allSettled(Array.from({ length: 20 }, () => runtime.expose({ path })))
    const [won, ...others] = tried.filter(({ status }) => status === 'fulfilled')
    assert.equal(others.length, 0)
    assert.equal((await ask(path, '/overview')).status, 200)
    await won.value.close()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('the socket of a process that was killed is replaced; one that ends removes its own', async () => {
    const path = at('stale')
    const killed = await process_(EXPOSING(path))
    assert.equal((await ask(path, '/streams')).body.streams[0].id, 'elsewhere')
    await assert.rejects(runtime.expose({ path }), { message: new RegExp(`process ${killed.child.pid} answers there`) })
    killed.child.kill('SIGKILL')
    await killed.ended()
    assert.ok(existsSync(path))
    const next = await process_(EXPOSING(path))
    assert.equal((await ask(path, '/overview')).body.process.pid, next.child.pid)
    next.child.stdin.end()
    assert.equal((await next.ended()).code, 0)
    assert.ok(!existsSync(path))
  })

  test('without a path it is named by its process, in a folder of the user alone', async () => {
    const { child, line: path, ended } = await process_(EXPOSING())
    assert.ok(path.endsWith(`/${child.pid}.sock`), path)
    assert.equal(lstatSync(join(path, '..')).mode & 0o777, 0o700)
    child.stdin.end()
    await ended()
    assert.ok(!existsSync(path))
  })

  test('a socket with open connections keeps no process alive', async () => {
    const path = at('alive')
    const script = `
      import { runtime } from 'velo-stream'
      import { connect } from 'node:net'
      await runtime.expose({ path: ${JSON.stringify(path)} })
      const socket = connect(${JSON.stringify(path)}, () => { socket.unref(); console.log('ready') })`
    const { line, ended } = await process_(script)
    assert.equal(line, 'ready')
    assert.deepEqual(await ended(), { code: 0, signal: null })
    assert.ok(!existsSync(path))
  })
}

/** Closes what was opened, whatever happens between. */
async function using_(opened, work) {
  try {
    await work()
  } finally {
    await opened.close()
  }
}
