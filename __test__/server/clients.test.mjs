// Whose request it is: the address behind proxies as Express finds it, and what is bounded and hidden before it is known who asks.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createServer } from 'velo-stream/server'
import { clientAddress, trustOf } from '../../target/js/server/client-address.js'
import { deferred, until } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { average, post, serving, webSocket } from './service.mjs'

const require = createRequire(import.meta.url)
const proxyaddr = createRequire(require.resolve('express'))('proxy-addr')

describe('trustProxy', () => {
  const addresses = [
    '127.0.0.1',
    '10.0.0.1',
    '10.9.9.9',
    '203.0.113.7',
    '198.51.100.2',
    '::1',
    'fe80::1',
    '2001:db8::5',
    'nonsense',
    '::ffff:10.0.0.1',
  ]
  const trusts = [
    true,
    1,
    2,
    5,
    'loopback',
    ['10.0.0.0/8', 'loopback'],
    '10.0.0.1, ::1',
    'uniquelocal',
    ['linklocal', '2001:db8::/32', '127.0.0.1'],
    () => false,
    (_, hop) => hop < 1,
  ]
  /** What Express makes of the option. */
  const asExpress = (option) => {
    if (option === true) return () => true
    if (typeof option === 'function') return option
    if (typeof option === 'number') return (_, hop) => hop < option
    return proxyaddr.compile(typeof option === 'string' ? option.split(',').map((text) => text.trim()) : option)
  }
  const plain = (address) => address.replace('::ffff:', '')

  test('finds the address that Express finds', () => {
    const address = fc.constantFrom(...addresses)
    fc.assert(
      fc.property(
        fc.constantFrom(...trusts),
        address,
        fc.array(address, { maxLength: 5 }),
        fc.constantFrom(',', ', '),
        (option, remoteAddress, list, between) => {
          const req = {
            socket: { remoteAddress },
            connection: { remoteAddress },
            headers: list.length === 0 ? {} : { 'x-forwarded-for': list.join(between) },
          }
          assert.equal(clientAddress(req, trustOf(option, 'trustProxy')), plain(proxyaddr(req, asExpress(option))))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('left out, what a client says of itself is not believed', () => {
    for (const option of [undefined, false, 0])
      assert.equal(
        clientAddress({ socket: { remoteAddress: '10.0.0.1' }, headers: { 'x-forwarded-for': '1.2.3.4' } }, trustOf(option, 'f')),
        '10.0.0.1',
      )
  })

  test('what is none is refused, by name and value', () => {
    const functions = { average }
    for (const [value, message] of [
      ['10.0.0.0/33', /trustProxy: expected addresses, subnets .*got '10\.0\.0\.0\/33'/],
      ['example.com', /trustProxy: expected addresses/],
      [-1, /trustProxy: expected true, a number of hops, addresses, or a function, got -1/],
      [[], /trustProxy: expected true/],
      [{}, /trustProxy: expected true/],
    ])
      assert.throws(() => createServer({ functions, trustProxy: value }), { code: 'VELO_CONFIG', message })
    assert.throws(() => createServer({ functions, authorizeTimeout: -1 }), { code: 'VELO_CONFIG', message: /authorizeTimeout/ })
  })
})

describe('authorize', () => {
  const never = () => new Promise(() => {})

  test('takes no longer than authorizeTimeout, over HTTP and WebSocket', async () => {
    const errors = []
    const { url } = await serving({
      functions: { average },
      authorize: never,
      authorizeTimeout: 100,
      onError: (error) => errors.push(error),
    })
    const { status, text, headers } = await post(`${url}/fn/average`, '1\n')
    assert.deepEqual([status, JSON.parse(text).error.code, headers.get('retry-after')], [503, 'AUTHORIZE_TIMEOUT', '1'])
    assert.equal(await webSocket(`${url}/fn/average`).opened(), 503)
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['VELO_TIMEOUT', 'VELO_TIMEOUT'],
    )
    assert.match(errors[0].message, /no answer within 100 ms \(authorizeTimeout\)/)
  })

  test('a client has no more requests that wait for it than streams, and each counts once', async () => {
    const go = deferred()
    let asked = 0
    const authorize = async () => {
      asked++
      await go.promise
      return 'me'
    }
    const { url } = await serving({ functions: { average }, authorize, maxPerClient: 5 })
    const first = Array.from({ length: 5 }, () => post(`${url}/fn/average`, '1\n'))
    await until(20_000, () => asked === 5, 'five questions')
    assert.equal((await post(`${url}/fn/average`, '1\n')).status, 429)
    assert.equal(asked, 5)
    go.resolve()
    for (const { status } of await Promise.all(first)) assert.equal(status, 200)
    assert.equal((await post(`${url}/fn/average`, '1\n')).status, 200)
    const text = await (await fetch(`${url}/metrics`)).text()
    assert.match(text, /^velo_server_streams 0$/m)
  })

  test('a name that there is and one that there is not are refused alike', async () => {
    const asked = []
    const authorize = ({ headers }, { functions }) => {
      asked.push(functions)
      return headers.authorization === 'Bearer right' ? 'me' : null
    }
    const { port } = await serving({ functions: { average }, authorize, pipelines: true })
    const answerOf = (path, { method = 'POST', headers = {} } = {}) =>
      within(
        20_000,
        new Promise((resolve, reject) => {
          const req = request({ port, path, method, headers: { 'content-type': 'application/x-ndjson', ...headers } }, (res) => {
            let text = ''
            res.setEncoding('utf8').on('data', (part) => (text += part))
            res.on('end', () => resolve({ status: res.statusCode, headers: { ...res.headers, date: '' }, text }))
          })
          req.on('error', reject).end()
        }),
        path,
      )
    for (const init of [
      {},
      { headers: { authorization: 'Bearer wrong' } },
      { method: 'GET' },
      { method: 'DELETE' },
      { headers: { origin: 'http://evil.example' } },
    ]) {
      const known = await answerOf('/fn/average', init)
      assert.ok(known.status >= 400)
      for (const path of ['/fn/nothing', '/fn/average|nothing', '/fn/%zz', '/fn/'])
        assert.deepEqual(await answerOf(path, init), known, path)
    }
    const right = { headers: { authorization: 'Bearer right' } }
    assert.equal((await answerOf('/fn/average', right)).status, 200)
    assert.equal((await answerOf('/fn/nothing', right)).status, 404)
    assert.ok(asked.some((functions) => functions.join() === 'average,nothing'))
  })
})

describe('the head of a response', () => {
  test('comes soon after the request has ended, and an error before it is a status', async () => {
    const go = deferred()
    async function* quiet(events) {
      for await (const event of events) if (event === 'fail') throw new Error('early')
      await go.promise
      throw new Error('late')
    }
    const { url } = await serving({ functions: { quiet } })
    assert.equal((await post(`${url}/fn/quiet`, '"fail"\n')).status, 500)
    const response = await within(20_000, fetch(`${url}/fn/quiet`, { method: 'POST', body: '1\n' }), 'the head')
    assert.equal(response.status, 200)
    go.resolve()
    assert.match(await within(20_000, response.text(), 'the end'), /^\{"error":\{"code":"FAILED"/)
  })

  test('waits as long as headDelay says, and for a body that is not complete', async () => {
    const go = deferred()
    async function* quiet(events) {
      for await (const _ of events);
      await go.promise
      throw new Error('late')
    }
    const patient = await serving({ functions: { quiet }, http: { headDelay: 3_600_000 } })
    const answer = post(`${patient.url}/fn/quiet`, '1\n')
    const { url } = await serving({ functions: { quiet }, http: { headDelay: 0 } })
    const hasty = await within(20_000, fetch(`${url}/fn/quiet`, { method: 'POST', body: '1\n' }), 'the head')
    assert.equal(hasty.status, 200)
    const body = deferred()
    async function* slow() {
      yield Buffer.from('1\n')
      await body.promise
      yield Buffer.from('{\n')
    }
    const unfinished = fetch(`${url}/fn/quiet`, { method: 'POST', body: ReadableStream.from(slow()), duplex: 'half' })
    body.resolve()
    assert.equal((await within(20_000, unfinished, 'the status of a body that is wrong')).status, 400)
    go.resolve()
    assert.equal((await answer).status, 500)
    await hasty.body.cancel()
  })
})
