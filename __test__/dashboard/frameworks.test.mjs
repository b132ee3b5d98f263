// The dashboard where people hang it in: Express, Fastify, Hono and node:http, each beside routes of its own.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { dashboard } from 'velo-stream/dashboard'
import { ask, listening, opened, waiting } from './support.mjs'

const HOST = '127.0.0.1'

const kinds = {
  'node:http': (answer) => createServer((req, res) => (req.url === '/hello' ? res.end('hello') : answer(req, res))).listen(0, HOST),
  Express: (answer) =>
    express()
      .use(answer)
      .get('/hello', (_, res) => res.send('hello'))
      .listen(0, HOST),
  'a router of Express': (answer) =>
    express()
      .use('/ops', express.Router().use(answer))
      .get('/hello', (_, res) => res.send('hello'))
      .listen(0, HOST),
  Fastify: async (answer) => {
    const app = Fastify({ forceCloseConnections: true })
    app.get('/hello', (_, reply) => reply.send('hello'))
    const route = (request, reply) => {
      reply.hijack()
      return answer(request.raw, reply.raw)
    }
    app.all('/ops/board', route)
    app.all('/ops/board/*', route)
    await app.listen({ host: HOST, port: 0 })
    return app.server
  },
  Hono: (answer) => {
    const route = async ({ env }) => {
      await answer(env.incoming, env.outgoing)
      return RESPONSE_ALREADY_SENT
    }
    const app = new Hono()
      .get('/hello', (c) => c.text('hello'))
      .all('/ops/board', route)
      .all('/ops/board/*', route)
    return serve({ fetch: app.fetch, hostname: HOST, port: 0 })
  },
}

for (const [kind, made] of Object.entries(kinds)) {
  test(`in ${kind}`, async () => {
    const name = `in-${kind.replaceAll(/\W/g, '')}`
    const [stream] = waiting(1, name)
    const { url } = await listening(await made(dashboard({ base: '/ops/board', readOnly: false })))
    assert.equal((await ask(`${url}/hello`)).text, 'hello')
    assert.equal((await ask(`${url}/ops/board`)).status, 308)
    const page = await ask(`${url}/ops/board/`)
    assert.match(page.text, /<title>velo-stream<\/title>/)
    const [, script] = /src="([^"]+)"/.exec(page.text)
    assert.equal((await ask(new URL(script, `${url}/ops/board/`))).status, 200)
    const { req, first } = await opened(`${url}/ops/board`, `search=${name}`)
    assert.equal(JSON.parse(first.slice(6, first.indexOf('\n'))).list.streams[0].id, `${name}-0`)
    req.destroy()
    const [, token] = /name="velo-token" content="([^"]+)"/.exec(page.text)
    const abort = await ask(`${url}/ops/board/streams/${name}-0/abort`, { method: 'POST', headers: { 'x-velo-token': token } })
    assert.equal(abort.status, 200)
    assert.equal((await stream.closed).reason, 'aborted')
  })
}

const mounts = {
  'app.use(path, ...)': (answer) => express().use('/ops/board', answer),
  'a router below a router': (answer) => express().use('/ops', express.Router().use('/board', answer)),
  'a framework that takes the mount off the URL': (answer) =>
    express().use((req, res, next) => {
      if (!req.url.startsWith('/ops/board')) return next()
      const own = Object.create(req, {
        baseUrl: { value: undefined },
        url: { value: req.url.slice('/ops/board'.length).replace(/^(?=\?|$)/, '/') },
      })
      answer(own, res, next)
    }),
}
for (const [how, made] of Object.entries(mounts)) {
  test(`mounted without a base: ${how}`, async () => {
    const name = `mounted-${how.replaceAll(/\W/g, '')}`
    const [stream] = waiting(1, name)
    const app = made(dashboard({ readOnly: false }))
    app.get('/ops/board/hello', (_, res) => res.send('hello')).get('/dashboard/', (_, res) => res.send('own'))
    const { url } = await listening(app.listen(0, HOST))
    assert.equal((await ask(`${url}/ops/board/hello`)).text, 'hello')
    assert.equal((await ask(`${url}/dashboard/`)).text, 'own')
    const moved = await ask(`${url}/ops/board`)
    assert.deepEqual([moved.status, moved.headers.location ?? moved.headers.get?.('location')], [308, 'board/'])
    const page = await ask(`${url}/ops/board/`)
    assert.match(page.text, /<title>velo-stream<\/title>/)
    const [, script] = /src="([^"]+)"/.exec(page.text)
    assert.equal((await ask(new URL(script, `${url}/ops/board/`))).status, 200)
    const { req, first } = await opened(`${url}/ops/board`, `search=${name}`)
    assert.equal(JSON.parse(first.slice(6, first.indexOf('\n'))).list.streams[0].id, `${name}-0`)
    req.destroy()
    stream.abort()
    await stream.closed
  })
}
