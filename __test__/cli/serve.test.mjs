// `velo serve`: a process that serves a folder until a signal ends it, with real clients.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { deferred } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { folder, ndjson, start, values, velo } from './command.mjs'

const { path, write } = folder()
const functions = join(path, 'functions')
mkdirSync(functions)
/** Takes a turn of the event loop for each event, so that many are under way at any time. */
write(
  'functions/sum.mjs',
  `export default async function* sum(events) {
    let total = 0
    for await (const event of events) {
      await new Promise(setImmediate)
      yield (total += event)
    }
  }`,
)
write(
  'functions/hold.mjs',
  `export default async function* hold(events, { signal }) {
    yield 'began'
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }`,
)

/** A service that listens: `{ url, port, ...process }`. */
async function serving(args = []) {
  const service = start(['serve', functions, '--port', '0', ...args])
  const [, url] = await service.err(/serving hold, sum on (http\S+)\/fn\/<name>\n/)
  return { ...service, url, port: Number(new URL(url).port) }
}

/** One client: how it ended, `{ status, text, complete }` or `{ error }`. Never rejects. */
function client(url, body, headers = {}) {
  return new Promise((resolve) => {
    const options = { method: 'POST', agent: false, headers: { 'content-type': 'application/x-ndjson', ...headers } }
    const req = request(url, options, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.on('error', () => undefined)
      res.on('close', () => resolve({ status: res.statusCode, text, complete: res.complete }))
    })
    req.on('error', (error) => resolve({ error }))
    if (body === undefined) req.flushHeaders()
    else req.end(body)
    after(() => req.destroy())
  })
}

test('it serves the folder and says where; SIGTERM ends it with exit code 0', async () => {
  const service = await serving()
  assert.match(service.url, /^http:\/\/127\.0\.0\.1:/)
  const answer = await client(`${service.url}/fn/sum`, ndjson([1, 2, 3]))
  assert.deepEqual(values(answer.text), [1, 3, 6])
  assert.equal((await client(`${service.url}/fn/sum|sum`, ndjson([1]))).status, 404, 'clients join no functions')
  assert.equal((await fetch(`${service.url}/readyz`)).status, 200)
  service.child.kill('SIGTERM')
  const { code, signal, err } = await service.ended()
  assert.deepEqual([code, signal], [0, null])
  assert.match(err, /SIGTERM: no new streams, 0 are open\n.*stopped\n$/)
})

test('Ctrl-C ends it with exit code 130', async () => {
  const service = await serving()
  service.child.kill('SIGINT')
  assert.equal((await service.ended()).code, 130)
})

test('SIGTERM under load: every answer that came is whole and right, the others were refused, and it ends', async () => {
  const service = await serving(['--max-streams', '1000', '--max-per-client', '1000'])
  const { url, child } = service
  const count = 40
  const events = Array.from({ length: count }, (_, n) => n + 1)
  const sums = events.map((n) => (n * (n + 1)) / 2)
  const enough = deferred()
  const tally = { whole: 0, refused: 0, unheard: 0 }
  let stopped = false
  const lane = async (index) => {
    while (!stopped) {
      const body = ndjson(events.map((n) => n * (index + 1)))
      const answer = await client(`${url}/fn/sum`, body)
      if (answer.error !== undefined) {
        // Closed before it was heard.
        assert.match(answer.error.code, /^(ECONNREFUSED|ECONNRESET|EPIPE)$/)
        tally.unheard++
        return
      }
      if (answer.status === 503) {
        assert.equal(JSON.parse(answer.text).error.code, 'VELO_DRAINING')
        tally.refused++
        return
      }
      assert.deepEqual([answer.status, answer.complete], [200, true])
      assert.deepEqual(
        values(answer.text),
        sums.map((sum) => sum * (index + 1)),
      )
      if (++tally.whole === 300) enough.resolve()
    }
  }
  const sockets = Array.from({ length: 10 }, (_, index) => socketLane(url, index))
  const lanes = Array.from({ length: 40 }, (_, index) => lane(index))
  await within(60_000, Promise.race([enough.promise, Promise.all(lanes)]), '300 answers')
  child.kill('SIGTERM')
  await within(60_000, Promise.all(lanes), 'the clients').finally(() => {
    stopped = true
  })
  for (const code of await within(60_000, Promise.all(sockets), 'the WebSockets')) assert.equal(code, 1001)
  const { code, err } = await service.ended()
  assert.equal(code, 0, err)
  assert.equal(tally.refused + tally.unheard, 40)
  assert.ok(tally.whole >= 300)
})

/** Sends a number, waits for its sum, and so on until the server closes; answers the close code. */
function socketLane(url, index) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/fn/sum`)
  after(() => socket.terminate())
  let total = 0
  return new Promise((resolve, reject) => {
    const step = () => socket.readyState === WebSocket.OPEN && socket.send(String((total += 1) && index))
    socket.on('open', step)
    socket.on('message', (data) => {
      if (Number(String(data)) !== total * index) reject(new Error(`${data} instead of ${total * index}`))
      step()
    })
    socket.on('error', reject)
    socket.on('close', resolve)
  })
}

test('SIGTERM with a stream that does not end: it is aborted after --grace, and the client is told', async () => {
  const service = await serving(['--grace', '200'])
  const held = client(`${service.url}/fn/hold`, undefined, { accept: 'text/event-stream' })
  const plain = client(`${service.url}/fn/hold`, undefined)
  await within(20_000, open(service.url, 2), 'two open streams')
  service.child.kill('SIGTERM')
  const [events, lines] = await within(20_000, Promise.all([held, plain]), 'the clients')
  assert.match(events.text, /event: draining\n/)
  assert.match(events.text, /event: error\n/)
  assert.match(lines.text, /^"began"\n\{"error"/)
  const { code, err } = await service.ended()
  assert.equal(code, 0)
  assert.match(err, /SIGTERM: no new streams, 2 are open/)
})

test('the second signal does not wait', async () => {
  const service = await serving(['--grace', '3600000'])
  const held = client(`${service.url}/fn/hold`, undefined)
  await within(20_000, open(service.url, 1), 'an open stream')
  service.child.kill('SIGTERM')
  await service.err(/no new streams/)
  service.child.kill('SIGTERM')
  await within(20_000, held, 'the client')
  assert.equal((await service.ended()).code, 0)
})

test('--ready-delay: /readyz says 503 while streams are still let in', async () => {
  const service = await serving(['--ready-delay', '3600000'])
  service.child.kill('SIGTERM')
  await service.err(/no new streams/)
  assert.equal((await fetch(`${service.url}/readyz`)).status, 503)
  assert.deepEqual(values((await client(`${service.url}/fn/sum`, '5\n')).text), [5])
  service.child.kill('SIGTERM')
  assert.equal((await service.ended()).code, 0)
})

test('SIGKILL: clients see their connection cut', async () => {
  const service = await serving()
  const held = client(`${service.url}/fn/hold`, undefined)
  await within(20_000, open(service.url, 1), 'an open stream')
  service.child.kill('SIGKILL')
  const { complete, error } = await within(20_000, held, 'the client')
  assert.ok(error !== undefined || complete === false)
  assert.equal((await service.ended()).signal, 'SIGKILL')
})

test('--json says what happens as lines on stdout', async () => {
  const service = start(['serve', functions, '--port', '0', '--json'])
  await service.out(/listening/)
  service.child.kill('SIGTERM')
  const { out, err } = await service.ended()
  const [listening, draining, stopped] = values(out)
  assert.deepEqual([listening.event, listening.functions], ['listening', ['hold', 'sum']])
  assert.deepEqual(draining, { event: 'draining', signal: 'SIGTERM' })
  assert.deepEqual([stopped, err], [{ event: 'stopped' }, ''])
})

test('--worker, --envelope, --tls-key, --tls-cert and --http2', async () => {
  const pem = (name) => fileURLToPath(new URL(`../server/tls/${name}.pem`, import.meta.url))
  const tls = ['--tls-key', pem('key'), '--tls-cert', pem('cert'), '--http2']
  const service = start(['serve', functions, '--port', '0', '--worker', '--envelope', ...tls])
  const [, url] = await service.err(/on (https:\S+)\/fn/)
  const { connect } = await import('node:http2')
  const session = connect(url, { rejectUnauthorized: false })
  after(() => session.destroy())
  const stream = session.request({ ':method': 'POST', ':path': '/fn/sum', 'content-type': 'application/x-ndjson' })
  let text = ''
  stream.setEncoding('utf8').on('data', (part) => (text += part))
  const ended = new Promise((resolve) => stream.on('close', resolve))
  stream.end(ndjson([{ payload: 1 }]))
  await within(20_000, ended, 'the answer')
  assert.deepEqual(values(text), ['0[object Object]'])
  service.child.kill('SIGTERM')
  assert.equal((await service.ended()).code, 0)
})

test('what cannot be served or listened on: exit code 2 and the reason', async () => {
  const taken = createServer()
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve))
  after(() => taken.close())
  const bad = join(path, 'bad')
  mkdirSync(bad)
  write('bad/five.mjs', 'export default 5')
  const cases = [
    [['serve', join(path, 'nowhere')], /nowhere: the folder cannot be read: ENOENT/],
    [['serve', bad], /five\.mjs: expected an async generator function/],
    [['serve', functions, '--port', String(taken.address().port)], /cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE/],
    [['serve', functions, '--tls-key', 'k', '--tls-cert', 'c'], /k: ENOENT/],
  ]
  for (const [args, message] of cases) {
    const { code, err } = await velo(args)
    assert.equal(code, 2, err)
    assert.match(err, message)
  }
})

/** Resolves when so many streams are open in the service. */
async function open(url, count) {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    const streams = [...text.matchAll(/^velo_streams_open\{function="hold",[^}]*\} (\d+)$/gm)]
    if (streams.reduce((sum, [, open]) => sum + Number(open), 0) === count) return
    await new Promise(setImmediate)
  }
}

test('what cannot be listened on is refused in a sentence', async () => {
  const pem = write('wrong.pem', 'no key')
  const cases = [
    [['--host', 'no.such.host.invalid'], /^velo: --host no\.such\.host\.invalid: there is no such address \(\w+\)\n$/],
    [['--tls-key', pem, '--tls-cert', pem], /^velo: --tls-key .*wrong\.pem, --tls-cert .*wrong\.pem: .*PEM.*\n$/],
    [['--tls-key', path, '--tls-cert', pem], /EISDIR/],
  ]
  for (const [args, message] of cases) {
    const { code, err } = await velo(['serve', functions, '--port', '0', ...args])
    assert.equal(code, 2, err)
    assert.match(err, message)
  }
})

test('--cors: pages of these origins may call, others are told nothing', async () => {
  const { url, child } = await serving(['--cors', 'https://one.example', '--cors', 'https://two.example'])
  const target = `${url}/fn/sum`
  const preflight = (origin) =>
    fetch(target, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
  const allowed = await preflight('https://two.example')
  assert.equal(allowed.status, 204)
  const told = (response, name) => response.headers.get(`access-control-${name}`)
  assert.deepEqual(
    ['allow-origin', 'allow-methods', 'allow-headers'].map((name) => told(allowed, name)),
    ['https://two.example', 'GET, HEAD, POST', 'content-type'],
  )
  assert.equal(told(await preflight('https://other.example'), 'allow-origin'), null)
  const headers = { origin: 'https://one.example', 'content-type': 'application/x-ndjson' }
  const answer = await fetch(target, { method: 'POST', headers, body: '1\n2\n' })
  assert.deepEqual([answer.status, await answer.text(), told(answer, 'allow-origin')], [200, '1\n3\n', 'https://one.example'])
  const missing = await fetch(`${url}/fn/none`, { method: 'POST', headers, body: '1\n' })
  assert.deepEqual([missing.status, told(missing, 'allow-origin')], [404, 'https://one.example'])
  const page = new WebSocket(`${target.replace('http', 'ws')}`, { origin: 'https://one.example' })
  await within(10_000, new Promise((resolve, reject) => page.on('open', resolve).on('error', reject)), 'the socket')
  page.terminate()
  child.kill('SIGTERM')
  const open = await serving(['--cors', '*'])
  const any = await fetch(`${open.url}/fn/sum`, { method: 'POST', headers, body: '1\n' })
  assert.deepEqual([any.status, told(any, 'allow-origin')], [200, '*'])
})

test('one module is served, and each of its streams that fails is printed once, with its stack', async () => {
  const file = write(
    'alone.mjs',
    `export default async function* alone(events) {
      for await (const event of events) {
        if (event === 3) throw new Error('three')
        yield event
      }
    }`,
  )
  for (const args of [[], ['--json']]) {
    const service = start(['serve', file, '--port', '0', ...args])
    const said = args.length === 0 ? service.err : service.out
    const [, url] = await said(/(http:[^"/]*\/\/[^"/]+)/)
    // A request that is no JSON is the fault of its client.
    assert.equal((await client(`${url}/fn/alone`, 'x\n')).status, 400)
    assert.equal((await client(`${url}/fn/alone`, '3\n')).status, 500)
    await said(/three/)
    service.child.kill('SIGTERM')
    const { out, err } = await service.ended()
    const text = args.length === 0 ? err : out
    assert.equal(text.match(/POST|"event":"error"/g).length, 1, text)
    if (args.length === 0) assert.match(text, /POST \/fn\/alone: stream alone-\S+ of alone failed: Error: three\n +at alone .*alone\.mjs/)
    else {
      const { function: name, stream, message } = values(text).find(({ event }) => event === 'error')
      assert.equal(name, 'alone')
      assert.match(stream, /^alone-/)
      assert.match(message, /^Error: three\n/)
    }
  }
})

test('--watch of one module: a file beside it that changes starts the service again', async () => {
  mkdirSync(join(path, 'beside'))
  const file = write('beside/one.mjs', 'export { default } from "./two.mjs"')
  write('beside/two.mjs', 'export default async function* (events) { for await (const _ of events) yield "old" }')
  const service = start(['serve', file, '--port', '0', '--watch'])
  const [, url] = await service.err(/serving one on (http\S+)\/fn/)
  assert.equal((await client(`${url}/fn/one`, '1\n')).text, '"old"\n')
  write('beside/two.mjs', 'export default async function* (events) { for await (const _ of events) yield "new" }')
  await service.err(/a file has changed[\s\S]*serving one on (http\S+)\/fn/)
  const urls = await service.err(/serving one[\s\S]*serving one on (http\S+)\/fn/)
  assert.equal((await client(`${urls[1]}/fn/one`, '1\n')).text, '"new"\n')
  service.child.kill('SIGTERM')
  assert.equal((await service.ended()).code, 0)
})

test('--watch: a file that changes starts the service anew', async () => {
  const watched = join(path, 'watched')
  mkdirSync(watched)
  write('watched/echo.mjs', 'export default async function* (events) { for await (const _ of events) yield "old" }')
  const service = start(['serve', watched, '--port', '0', '--watch'])
  const [, first] = await service.err(/serving echo on (http\S+)\/fn\/<name>\n/)
  assert.equal((await client(`${first}/fn/echo`, '1\n')).text, '"old"\n')
  write('watched/echo.mjs', 'export default async function* (events) { for await (const _ of events) yield "new" }')
  const [, second] = await service.err(/starting anew\n[\s\S]*serving echo on (http\S+)\/fn\/<name>\n/)
  assert.equal((await client(`${second}/fn/echo`, '1\n')).text, '"new"\n')
  // One that cannot be read ends the service, and not the watch.
  write('watched/echo.mjs', 'export default (')
  await service.err(/the service has ended with 2; it starts again at the next change/)
  write('watched/echo.mjs', 'export default async function* (events) { yield* events }')
  await service.err(/it starts again at the next change\n[\s\S]*serving echo on/)
  service.child.kill('SIGTERM')
  assert.equal((await service.ended()).code, 0)
  const { code, err } = await velo(['serve', join(path, 'nowhere'), '--watch'])
  assert.deepEqual([code, /cannot be watched/.test(err)], [2, true])
})

test('--durable keeps streams over a restart; a folder that another service has is refused, and given back at the end', async () => {
  const data = join(path, 'journal')
  const service = await serving(['--durable', data])
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/fn/sum`)
  after(() => socket.terminate())
  const messages = []
  const has = (count) =>
    within(20_000, new Promise((resolve) => socket.on('message', () => messages.length === count && resolve())), `${count} messages`)
  socket.on('message', (message) => messages.push(JSON.parse(String(message))))
  await has(1)
  const [{ velo: hello }] = messages
  assert.match(hello.token, /^client\./)
  socket.send('7')
  await has(2)
  const second = await velo(['serve', functions, '--port', '0', '--durable', data])
  assert.equal(second.code, 2)
  assert.match(second.err, new RegExp(`^velo: --durable .*in use by process ${service.child.pid}`))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  service.child.kill('SIGTERM')
  assert.equal(await within(20_000, closed, 'the close'), 1012)
  assert.equal((await service.ended()).code, 0)
  const next = await serving(['--durable', data])
  const again = new WebSocket(`${next.url.replace('http', 'ws')}/fn/sum?resume=${hello.token}&last=1`)
  after(() => again.terminate())
  const [message] = await within(20_000, new Promise((resolve) => again.on('message', (...given) => resolve(given))), 'the hello')
  assert.deepEqual(JSON.parse(String(message)), { velo: { token: hello.token, received: 1 } })
  next.child.kill('SIGTERM')
  assert.equal((await next.ended()).code, 0)
})
