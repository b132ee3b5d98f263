// `velo top` in a pipe: one table, or one line of JSON; against services, sockets and processes; and what it says where there is nothing to see.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, symlinkSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runtime, streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { showCluster } from '../../target/js/kit/sight/measures.js'
import { folder, start, velo } from './command.mjs'

const { path, write } = folder()
const ESC = '\u001b'
const evil = `evil ${ESC}[2J`
const echo = streamFn(
  async function* echo(events) {
    yield* events
  },
  { idleTimeout: 0 },
)
const streams = ['upload-1', 'upload-2', evil].map((id) => echo.open({ id, headers: { cookie: 'mine' } }))
after(() => Promise.all(streams.map((stream) => stream.close())))
await streams[0].sendBatch([1, 2, 3])

/** A service of this process that is gone after the tests. */
async function served(admin) {
  const server = createServer({ functions: { echo }, grace: 0, admin })
  after(() => server.close())
  await server.listen()
  return server.url
}

test('a service: a table with everything, sorted and searched; nothing in it moves a cursor', async () => {
  const url = await served(true)
  const { code, out, err } = await velo(['top', '--url', url, '--sort', 'id'])
  assert.deepEqual([code, err], [0, ''])
  const [head, ...rows] = out.trimEnd().split('\n')
  assert.match(head, /^ID +FUNCTION +STAGE +STATE +WAITS FOR +SINCE +AGE +IN +OUT +BUF IN +BUF OUT +BYTES +RUNS +THREAD +LAST ERROR$/)
  assert.deepEqual(
    rows.map((row) => row.split(/ {2,}/)[0]),
    ['evil \\u{1b}[2J', 'upload-1', 'upload-2'],
  )
  assert.ok(!out.includes(ESC))
  const searched = await velo(['top', '--url', `${url}/admin/`, '--search', 'upload', '--sort', 'eventsIn'])
  assert.deepEqual(
    searched.out.split('\n').map((row) => row.slice(0, 8)),
    ['ID      ', 'upload-1', 'upload-2', ''],
  )
  assert.match(searched.out.split('\n')[1], /^upload-1 +echo +echo +open .* 3 /)
  assert.equal((await velo(['top', '--url', url, '--search', 'nobody'])).out, 'no streams\n')
  const json = JSON.parse((await velo(['top', '--url', url, '--json', '--sort', 'id'])).out)
  assert.deepEqual([json.overview.process.pid, json.total, json.streams[1].headers], [process.pid, 3, { cookie: '[redacted]' }])
})

test('a service with a token', async () => {
  const functions = join(path, 'functions')
  mkdirSync(functions)
  write('functions/pass.mjs', 'export default async function* pass(events) { yield* events }')
  const [token, other, bad] = [write('token', 'of-mine\n'), write('other', 'of-theirs'), write('bad', 'two\nlines')]
  const service = start(['serve', functions, '--port', '0', '--admin-token-file', token, '--dashboard'])
  const [, url] = await service.err(/serving pass on (http\S+)\/fn/)
  assert.equal((await velo(['top', '--url', url, '--token-file', token])).out, 'no streams\n')
  const refused = async (args, message) => {
    const { code, out, err } = await velo(['top', '--url', url, ...args])
    assert.deepEqual([code, out], [args.includes(bad) ? 2 : 1, ''])
    assert.match(err, message)
  }
  await refused([], /\/admin: 401 who asks\?; --token-file says who asks/)
  await refused(['--token-file', other], /\/admin: 403 not for you/)
  await refused(['--token-file', bad], /expected a token of visible ASCII characters on one line/)
  // The dashboard asks a browser for it.
  const page = (authorization) => fetch(`${url}/dashboard/`, { headers: authorization === undefined ? {} : { authorization } })
  const basic = (password) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`
  for (const wrong of [undefined, basic('of-theirs'), basic(''), 'Basic of-mine', 'Bearer of-theirs', 'of-mine']) {
    const { status, headers } = await page(wrong)
    assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Basic realm="velo-stream", charset="UTF-8"'], wrong)
  }
  for (const right of [basic('of-mine'), 'Bearer of-mine'])
    assert.match(await (await page(right)).text(), /name="velo-token" content="[^"]/)
  service.child.kill('SIGKILL')
  await service.ended()
})

test('what is no service, or not to be asked, is said', async () => {
  const said = async (args, code, message) => {
    const ended = await velo(['top', ...args])
    assert.deepEqual([ended.code, ended.out], [code, ''], ended.err)
    assert.match(ended.err, message)
  }
  const answering = async (answer) => {
    const server = createHttp(answer).listen(0, '127.0.0.1')
    after(() => server.close())
    await once(server, 'listening')
    return `http://127.0.0.1:${server.address().port}`
  }
  const strange = await answering((_req, res) => res.end('{"process":1,"streams":{}}'))
  const mute = await answering((_req, res) => res.writeHead(500).end('<html>'))
  await said(['--url', strange], 1, /what answers there is not velo-stream/)
  await said(['--url', mute], 1, /\/admin: 500\n/)
  await said(['--url', await served(false)], 1, /\/admin: 404 try .*; is it served with --admin\?/)
  // One line each, without a stack.
  await said(['--url', 'http://127.0.0.1:1'], 1, /^velo: http:\/\/127\.0\.0\.1:1\/admin: ECONNREFUSED \(nothing listens there\)\n$/)
  await said(['--url', 'http://127.0.0.1:1', '--json'], 1, /^\{"exitCode":1,"error":\{"name":"ServerError","message":"[^"]*"\}\}\n$/)
  await said(['--url', 'ftp://here'], 2, /--url: expected http:/)
  await said(['--url', 'http://here', '--socket', 'x'], 2, /exclude each other/)
  await said(['--token-file', write('unused', 'x')], 2, /--token-file needs --url/)
  await said(['--url', 'http://here', '--token-file', 'none'], 2, /none: ENOENT/)
  await said(['--interval', '1'], 2, /--interval: expected an integer from 100/)
  await said(['me'], 2, /expected the id of a process, got me/)
})

if (process.platform !== 'win32') {
  test('a socket, by its path, by the id of the process, and the only one there is', async () => {
    const runtimeFolder = join(path, 'run')
    mkdirSync(runtimeFolder)
    const env = { XDG_RUNTIME_DIR: runtimeFolder }
    const socket = join(path, 'a.sock')
    const exposed = await runtime.expose({ path: socket })
    const { out, err, code } = await velo(['top', '--socket', socket, '--sort', 'id', '--search', 'upload-1'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^ID.*\nupload-1 .*\n$/)
    await exposed.close()
    assert.match((await velo(['top', '--socket', socket])).err, /a\.sock: there is no socket; a process makes a socket by runtime\.expose/)
    assert.match((await velo(['top'], { env })).err, /nothing to look at in .*velo-stream: /)

    const functions = join(path, 'exposing')
    mkdirSync(functions)
    write(
      'exposing/pass.mjs',
      `import { runtime } from 'velo-stream'\nawait runtime.expose()\nexport default async function* pass(events) { yield* events }`,
    )
    mkdirSync(join(path, 'node_modules'))
    symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(path, 'node_modules/velo-stream'))
    const second = join(path, 'b.sock')
    const services = [
      start(['serve', functions, '--port', '0'], { env }),
      start(['serve', functions, '--port', '0', '--expose', second], { env }),
    ]
    await services[0].err(/serving pass/)
    const json = async (...args) => JSON.parse((await velo(['top', '--json', ...args], { env })).out).overview.process.pid
    assert.equal(await json(String(services[0].child.pid)), services[0].child.pid)
    await services[1].err(/serving pass/)
    assert.equal(await json('--socket', second), services[1].child.pid)
    const both = await velo(['top'], { env })
    assert.equal(both.code, 2)
    const pids = services.map(({ child }) => String(child.pid))
    assert.ok(pids.every((pid) => both.err.includes(pid)) && both.err.includes('which process?'), both.err)
    const taken = await velo(['serve', functions, '--port', '0', '--expose', second], { env })
    assert.equal(taken.code, 2)
    assert.match(taken.err, new RegExp(`--expose .*b\\.sock: .*process ${pids[1]} answers there`))
    services[1].child.kill('SIGKILL')
    await services[1].ended()
    assert.equal(await json(), services[0].child.pid)
    assert.match((await velo(['top', '--socket', second], { env })).err, /the process of this socket is gone/)
    services[0].child.kill('SIGTERM')
    await services[0].ended()
  })
}

test('behind the table: latencies since the start, and clusters of the process', async () => {
  const url = await served(true)
  const searched = () => velo(['top', '--url', url, '--search', 'upload-1'])
  assert.equal((await searched()).out.trimEnd().split('\n').length, 2)
  // One event in 64 is timed.
  for (let n = 0; n < 256; n++) {
    await streams[1].send(n)
    await streams[1].recv()
  }
  const numbers = { hosted: 3, open: 5, takeovers: 2, commits: 123_456, lag: 7, deadLetters: 1, unreplicated: 0 }
  const hide = [`orders ${ESC}[2J`, 'b'].map((prefix) => showCluster(() => ({ prefix, ...numbers })))
  const [head, row, ...more] = (await searched()).out.split('\n')
  for (const one of hide) one()
  assert.match(head, /^ID /)
  assert.match(row, /^upload-1 /)
  assert.match(more.slice(0, 3).join('\n'), /^\nlatency since the start: p50 \S+s {2}p95 \S+s {2}p99 \S+s\n$/)
  const cells = more.slice(3).map((line) => line.split(/ {2,}/))
  assert.deepEqual(cells, [
    ['CLUSTER', 'HOSTED', 'OPEN', 'COMMITS', 'BEHIND', 'GIVEN UP', 'TAKEN OVER', 'UNREPLICATED'],
    ['orders \\u{1b}[2J', '3', '5', '123k', '7', '1', '2', '0'],
    ['b', '3', '5', '123k', '7', '1', '2', '0'],
    [''],
  ])
})
