// `createServer`: what is served under which path, and what a function gets.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { has, onPath } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { average, ndjson, noStreams, post, raw, serving, twice, values, webSocket, who } from './service.mjs'

const elsewhere = new URL('./served/triple.mjs', import.meta.url)

describe('a server', async () => {
  const { server, url, port } = await serving({
    pipelines: true,
    functions: {
      average,
      twice: streamFn(twice),
      limited: { fn: twice, maxConcurrent: 1, http: { status: 201 } },
      who,
      failing: async function* failing() {
        yield 1
        throw new Error('secret')
      },
      triple: { fn: elsewhere, placement: 'worker' },
      here: elsewhere,
    },
  })

  test('lists its functions, its address and its url', () => {
    assert.deepEqual(server.functions, ['average', 'twice', 'limited', 'who', 'failing', 'triple', 'here'])
    assert.equal(server.address.port, port)
    assert.equal(url, `http://127.0.0.1:${port}`)
  })

  test('POST /fn/:name is a stream: NDJSON in, NDJSON out', async () => {
    const { status, headers, text } = await post(`${url}/fn/average`, ndjson([1, 2, 3]))
    assert.deepEqual([status, values(text)], [200, [1, 1.5, 2]])
    assert.match(headers.get('content-type'), /application\/x-ndjson/)
  })

  test('server-sent events on request, also by GET', async () => {
    const sse = await post(`${url}/fn/twice`, ndjson([1, 2]), { accept: 'text/event-stream' })
    assert.match(sse.headers.get('content-type'), /text\/event-stream/)
    assert.deepEqual(
      [...sse.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data),
      ['2', '4'],
    )
    const got = await fetch(`${url}/fn/who`, { headers: { accept: 'text/event-stream', 'x-agent': 'me' } })
    assert.match(await got.text(), /^data: \{"principal":null,"agent":"me"\}$/m)
  })

  test('a WebSocket on the same path', async () => {
    const { send, count, socket, closed } = webSocket(`${url}/fn/average`)
    socket.on('open', () => [2, 4].forEach(send))
    assert.deepEqual(await count(2), [2, 3])
    socket.close(1000)
    assert.equal((await closed()).code, 1000)
  })

  test('options of one function, and options of how it is served', async () => {
    assert.equal((await post(`${url}/fn/limited`, ndjson([4]))).status, 201)
  })

  test('placement: a module on a worker thread, or on this one', async () => {
    const [there, here] = await Promise.all([post(`${url}/fn/triple`, ndjson([1, 2])), post(`${url}/fn/here`, ndjson([1]))])
    const [first] = values(there.text)
    assert.deepEqual(
      values(there.text).map(({ value }) => value),
      [3, 6],
    )
    assert.notEqual(first.thread, 0)
    assert.deepEqual(values(here.text), [{ value: 3, thread: 0 }])
  })

  test('functions joined with | are a pipeline', async () => {
    assert.deepEqual(values((await post(`${url}/fn/twice|average`, ndjson([1, 2]))).text), [2, 3])
    assert.deepEqual(values((await post(`${url}/fn/average%7Ctwice%7Ctwice`, ndjson([1, 2]))).text), [4, 6])
    const nine = Array.from({ length: 9 }, () => 'twice').join('|')
    assert.equal((await post(`${url}/fn/${nine}`, ndjson([1]))).status, 404)
    assert.equal((await post(`${url}/fn/twice|nobody`, ndjson([1]))).status, 404)
  })

  test('many different pipelines: only so many are kept, all of them work', async () => {
    for (let bits = 0; bits < 128; bits++) {
      const stages = [...bits.toString(2).padStart(7, '0')].map((bit) => (bit === '1' ? 'twice' : 'average'))
      const { text } = await post(`${url}/fn/${stages.join('|')}`, ndjson([1]))
      assert.deepEqual(values(text), [2 ** stages.filter((stage) => stage === 'twice').length])
    }
  })

  test('a function that fails tells the client nothing of why', async () => {
    const { text } = await post(`${url}/fn/failing`, '')
    assert.doesNotMatch(text, /secret/)
    assert.match(text, /"error"/)
  })

  test('what is not served', async () => {
    const answers = await Promise.all([
      post(`${url}/fn/nobody`, ''),
      post(`${url}/fn/%ff`, ''),
      post(`${url}/fn/`, ''),
      post(`${url}/`, ''),
      fetch(`${url}/fn/average`, { method: 'DELETE' }),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404, 404, 404, 405],
    )
    assert.deepEqual(JSON.parse(answers[0].text).error.code, 'NOT_FOUND')
    assert.equal(answers[4].headers.get('allow'), 'GET, HEAD, POST')
  })

  test('/healthz and /readyz', async () => {
    for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(url + path)).status, 200)
    const head = await fetch(`${url}/healthz`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
  })

  test('a client that asks before it sends is told to go on, or not to', async () => {
    const { request } = await import('node:http')
    const ask = (path) =>
      new Promise((resolve, reject) => {
        const asked = []
        const headers = { expect: '100-continue', 'content-type': 'application/x-ndjson' }
        const req = request(url + path, { method: 'POST', headers }, (res) => resolve([...asked, res.statusCode]))
        req.on('continue', () => {
          asked.push('continue')
          req.end('1\n')
        })
        req.on('error', reject)
        req.flushHeaders()
      })
    assert.deepEqual(await ask('/fn/average'), ['continue', 200])
    assert.deepEqual(await ask('/fn/nobody'), [404])
  })

  test('every stream ends with its request', noStreams)
})

test('pipelines with names are the only ones', async () => {
  const { url, server } = await serving({ functions: { average, twice }, pipelines: { both: ['twice', 'average'] } })
  assert.deepEqual(server.functions, ['average', 'twice', 'both'])
  assert.deepEqual(values((await post(`${url}/fn/both`, ndjson([1, 2]))).text), [2, 3])
  assert.equal((await post(`${url}/fn/twice|average`, ndjson([1]))).status, 404)
})

test('envelope: events are { headers, payload }', async () => {
  const numbers = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (e) => (typeof e.payload === 'number' ? { value: e.payload } : { issues: [{ message: 'no number' }] }),
    },
  }
  async function* tell(events) {
    for await (const { headers, payload } of events) yield [headers, payload]
  }
  const { url } = await serving({
    envelope: true,
    functions: { tell, made: streamFn(tell), far: { fn: elsewhere, placement: 'worker' }, own: { fn: twice, schema: numbers } },
  })
  for (const name of ['tell', 'made']) {
    const { text, status } = await post(`${url}/fn/${name}`, ndjson([{ payload: 1 }, { headers: { key: 'a' }, payload: null }]))
    assert.deepEqual(
      [status, values(text)],
      [
        200,
        [
          [{}, 1],
          [{ key: 'a' }, null],
        ],
      ],
    )
    for (const wrong of [5, null, [1], { headers: {} }, { payload: 1, headers: 'x' }, { payload: 1, more: 2 }]) {
      const refused = await post(`${url}/fn/${name}`, ndjson([wrong]))
      assert.equal(refused.status, 422, refused.text)
      assert.match(refused.text, /VELO_EVENT/)
    }
  }
  assert.deepEqual(values((await post(`${url}/fn/own`, ndjson([{ payload: 4 }]))).text), [8])
  assert.equal((await post(`${url}/fn/own`, ndjson([{ payload: 'x' }]))).status, 422)
  assert.equal((await post(`${url}/fn/far`, ndjson([3]))).status, 422)
  const socket = webSocket(`${url}/fn/tell`)
  await socket.opened()
  socket.send({ payload: 7 })
  assert.deepEqual(await socket.count(1), [[{}, 7]])
  socket.send(7)
  assert.equal((await socket.closed()).code, 1007)
})

test('http and websocket options of the server, and of a function over them', async () => {
  const { url } = await serving({
    functions: { plain: twice, loud: { fn: twice, http: { status: 202 }, websocket: { maxMessage: 1000 } } },
    http: { status: 203, headers: { 'x-served-by': 'velo' } },
    websocket: { maxMessage: 10 },
  })
  const plain = await post(`${url}/fn/plain`, ndjson([1]))
  assert.deepEqual([plain.status, plain.headers.get('x-served-by')], [203, 'velo'])
  const loud = await post(`${url}/fn/loud`, ndjson([1]))
  assert.deepEqual([loud.status, loud.headers.get('x-served-by')], [202, 'velo'])
  const long = '1'.repeat(20)
  const small = webSocket(`${url}/fn/plain`)
  await small.opened()
  small.socket.send(long)
  assert.equal((await small.closed()).code, 1009)
  const large = webSocket(`${url}/fn/loud`)
  await large.opened()
  large.socket.send(long)
  assert.deepEqual(await large.count(1), [Number(long) * 2])
  large.socket.close()
})

test('one place for errors, with the request', async () => {
  const seen = []
  const failing = async function* () {
    throw new Error('secret')
  }
  const { url } = await serving({ functions: { failing }, onError: (error, { request }) => seen.push([error.message, request.url]) })
  assert.equal((await post(`${url}/fn/failing`, '')).status, 500)
  const socket = webSocket(`${url}/fn/failing`)
  await socket.opened()
  socket.send(1)
  assert.equal((await socket.closed()).code, 1011)
  await until(20_000, () => seen.length === 2, 'both errors')
  assert.deepEqual(seen, [
    ['secret', '/fn/failing'],
    ['secret', '/fn/failing'],
  ])
})

test('curl, HTTP/1.1: a stream whose results come while it sends', async (t) => {
  const program = onPath('curl')
  if (!has(t, program, 'curl')) return
  const { url } = await serving({ functions: { average } })
  const curl = spawn(program, ['-sSN', '-T', '.', '-X', 'POST', '-H', 'content-type: application/x-ndjson', `${url}/fn/average`])
  let text = ''
  curl.stdout.setEncoding('utf8').on('data', (part) => (text += part))
  const closed = once(curl, 'close')
  curl.stdin.write('2\n')
  await until(20_000, () => text === '2\n', 'the first result')
  curl.stdin.end('4\n')
  const [code] = await within(20_000, closed, 'curl')
  assert.deepEqual([code, text], [0, '2\n3\n'])
})

noUnhandledRejections('createServer')

test('HEAD where GET is, and a target that is a whole URL', async () => {
  const { port, url } = await serving({ functions: { average }, hosts: ['example.com'] })
  const head = await within(10_000, fetch(`${url}/fn/average`, { method: 'HEAD' }), 'HEAD')
  assert.deepEqual([head.status, await head.text()], [200, ''])
  assert.equal((await within(10_000, fetch(`${url}/fn/average`, { method: 'PUT' }), 'PUT')).headers.get('allow'), 'GET, HEAD, POST')
  const whole = 'Host: example.com\r\nConnection: close\r\n'
  const text = await raw(port, `GET http://example.com/healthz?x HTTP/1.1\r\n${whole}\r\n`).closed()
  assert.match(text, /^HTTP\/1\.1 200 /)
  const body = `${whole}Content-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n4\n`
  const answer = await raw(port, `POST http://example.com/fn/average HTTP/1.1\r\n${body}`).closed()
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*\r\n4\n/)
})
