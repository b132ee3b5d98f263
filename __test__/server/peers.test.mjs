// What the server makes of its neighbors: the optional package `ws`, and the resuming of `velo-stream/http` and `velo-stream/websocket`.

import assert from 'node:assert/strict'
import { get } from 'node:http'
import { test } from 'node:test'
import { output } from '../support/child.mjs'
import { deferred } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { noStreams, serving, webSocket } from './service.mjs'

/** A process in which `ws` is not installed. */
const without = `
  import Module from 'node:module'
  const resolve = Module._resolveFilename
  Module._resolveFilename = (name, ...rest) => {
    if (name === 'ws') throw new Error('not installed')
    return resolve(name, ...rest)
  }
  const { createServer } = await import('velo-stream/server')
  async function* one() { yield 1 }
`

test('without ws: HTTP is served, an upgrade gets 501', async () => {
  const said = await output(
    `${without}
    import { request } from 'node:http'
    const server = createServer({ functions: { one } })
    await server.listen()
    console.log(await (await fetch(server.url + '/fn/one', { method: 'POST' })).text())
    const req = request(server.url + '/fn/one', { headers: { connection: 'upgrade', upgrade: 'websocket' } }).end()
    req.on('response', async (res) => { console.log(res.statusCode); res.resume(); await server.close() })`,
  )
  assert.equal(said, '1\n\n501')
})

test('without ws, but asked for: listen says which package is missing', async () => {
  const said = await output(
    `${without}
    for (const websocket of [true, {}]) await createServer({ functions: { one }, websocket }).listen().catch(({ code, field, message }) => console.log(code, field, message.includes('npm install ws')))`,
  )
  assert.equal(said, Array(2).fill('VELO_CONFIG createServer(options).websocket true').join('\n'))
})

/** Server-sent events until `wanted` matches; then the connection is cut. Answers the last id and all text. */
function eventsUntil(url, wanted, headers = {}) {
  return within(
    20_000,
    new Promise((resolve, reject) => {
      let text = ''
      const req = get(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } }, (res) => {
        res.setEncoding('utf8').on('data', (part) => {
          text += part
          if (!wanted.test(text)) return
          req.destroy()
          resolve({ text, id: [...text.matchAll(/^id: ?(.*)$/gm)].at(-1)?.[1] })
        })
        res.on('error', () => undefined)
      })
      req.on('error', reject)
    }),
    `${wanted} from ${url}`,
  )
}

test('server-sent events go on where a client was cut off, and a stop does not wait for one that is gone', async () => {
  const go = deferred()
  async function* story(_events, { signal }) {
    yield 'first'
    await go.promise
    yield 'second'
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const { server, url } = await serving({ functions: { story }, http: { resume: true }, maxPerClient: 5 })
  const first = await eventsUntil(`${url}/fn/story`, /data: ?"?first[\s\S]*\n\n/)
  go.resolve()
  const second = await eventsUntil(`${url}/fn/story`, /data: ?"?second[\s\S]*\n\n/, { 'last-event-id': first.id })
  assert.doesNotMatch(second.text, /first/)
  await within(20_000, server.close(), 'close()')
})

test('a WebSocket goes on where it was cut off, for the same principal only', async () => {
  async function* sums(events) {
    let total = 0
    for await (const event of events) yield (total += event)
  }
  const { server, url } = await serving({
    functions: { sums },
    websocket: { onDisconnect: { graceMs: 60_000 } },
    authorize: ({ headers }) => headers.authorization,
  })
  const as = (authorization) => ({ headers: { authorization } })
  const first = webSocket(`${url}/fn/sums`, as('ann'))
  await first.opened()
  first.send(2)
  const [hello, sum] = await first.count(2)
  assert.equal(sum, 2)
  first.socket.terminate()
  await first.closed()
  const back = `${url}/fn/sums?resume=${hello.velo.token}&last=1`
  const other = webSocket(back, as('bob'))
  assert.ok((await other.closed()).code >= 4000)
  const again = webSocket(back, as('ann'))
  await again.opened()
  again.send(3)
  assert.equal((await again.count(2))[1], 5)
  again.socket.terminate()
  await again.closed()
  // Nobody can come back to a server that stops.
  await within(20_000, server.close({ grace: 60_000 }), 'close()')
  await noStreams()
})
