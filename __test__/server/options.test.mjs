// Options are checked when the server is made; addresses when it listens.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from 'velo-stream/server'
import { average, serving, twice } from './service.mjs'

test('what is wrong is refused with the path of the field', () => {
  const functions = { average }
  const cases = [
    [undefined, 'createServer(options)'],
    [{ functions, frob: 1 }, 'createServer(options).frob'],
    [{}, 'createServer(options).functions'],
    [{ functions: 5 }, 'createServer(options).functions'],
    [{ functions: { 'a|b': average } }, 'createServer(options).functions["a|b"]'],
    [{ functions, pipelines: { both: [] } }, 'createServer(options).pipelines.both'],
    [{ functions, pipelines: { 'a/b': ['average'] } }, 'createServer(options).pipelines["a/b"]'],
    [{ functions, placement: 'cloud' }, 'createServer(options).placement'],
    [{ functions, envelope: 1 }, 'createServer(options).envelope'],
    [{ functions, websocket: 'yes' }, 'createServer(options).websocket'],
    [{ functions, maxConcurrent: 0 }, 'createServer(options).maxConcurrent'],
    [{ functions, maxPerClient: 1.5 }, 'createServer(options).maxPerClient'],
    [{ functions, authorize: 'me' }, 'createServer(options).authorize'],
    [{ functions, origins: 'https://example.com' }, 'createServer(options).origins'],
    [{ functions, headersTimeout: 0 }, 'createServer(options).headersTimeout'],
    [{ functions, bodyTimeout: -1 }, 'createServer(options).bodyTimeout'],
    [{ functions, grace: Number.POSITIVE_INFINITY }, 'createServer(options).grace'],
    [{ functions, http2: true }, 'createServer(options).http2'],
    [{ functions, tls: true }, 'createServer(options).tls'],
    [{ functions, signals: 'SIGTERM' }, 'createServer(options).signals'],
  ]
  for (const [options, field] of cases) assert.throws(() => createServer(options), { code: 'VELO_CONFIG', field }, field)
  assert.throws(() => createServer({ functions, maxPerClient: 0 }), {
    message: 'createServer(options).maxPerClient: expected an integer from 1 up, got 0 (number)',
  })
})

test('what only loading can show is refused by listen', async () => {
  const cases = [
    [{ functions: { five: 5 } }, /functions\.five: expected an async generator function/],
    [{ functions: { average: { fn: average, buffer: 0 } } }, /buffer: expected an integer/],
    [{ functions: { average: { fn: average, http: { maxLine: 0 } } } }, /maxLine: expected an integer/],
    [{ functions: { average }, http: { frob: 1 } }, /frob/],
    [
      { functions: { average }, pipelines: { p: ['average', 'nobody'] } },
      /pipelines\.p: expected names of functions \(average\), got 'nobody'/,
    ],
    [{ functions: { average, twice }, pipelines: { twice: ['average'] } }, /pipelines\.twice: expected a name that no function has/],
  ]
  for (const [options, message] of cases) await assert.rejects(createServer(options).listen(), { code: 'VELO_CONFIG', message })
})

test('an address that is taken: the error of Node.js, and another one may be tried', async () => {
  const { port } = await serving({ functions: { average } })
  const server = createServer({ functions: { average } })
  await assert.rejects(server.listen(port), { code: 'EADDRINUSE' })
  assert.equal(server.address, undefined)
  await server.listen()
  assert.notEqual(server.address.port, port)
  await server.close()
  assert.equal(server.url, undefined)
  await assert.rejects(server.listen(), { code: 'VELO_DRAINING' })
})

test('closing a server that never listened; disposing of it twice', async () => {
  const server = createServer({ functions: { average } })
  await server.close()
  await server[Symbol.asyncDispose]()
  await server.closed
  assert.equal(server.draining, true)
})
