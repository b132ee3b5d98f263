// A server of each kind with one route, POST and GET /: what a test asks of one it asks of all.

import { once } from 'node:events'
import http from 'node:http'
import { serve } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import velo from 'velo-stream/fastify'
import { handler, toResponse } from 'velo-stream/http'
import { leftover } from '../../support/leftovers.mjs'

const HOST = '127.0.0.1'

async function listening(server) {
  if (!server.listening) await once(server, 'listening')
  return server
}

const makers = {
  'node:http': (fn, options) => http.createServer(handler(fn, options)).listen(0, HOST),
  'Express 5': (fn, options) => express().all('/', handler(fn, options)).listen(0, HOST),
  'Fastify 5': async (fn, options) => {
    const app = Fastify({ forceCloseConnections: true })
    await app.register(velo)
    app.route({ method: ['GET', 'POST'], url: '/', handler: app.velo(fn, options) })
    await app.listen({ host: HOST, port: 0 })
    return app.server
  },
  'Hono 4': (fn, options) => {
    const app = new Hono().all('/', (c) => toResponse(fn, c.req.raw, options))
    return serve({ fetch: app.fetch, hostname: HOST, port: 0 })
  },
}

export const kinds = Object.keys(makers)

/** A running server: `{ url, port, server, sockets, responses, close() }`; `sockets` are the connections it has, `responses` what it has not finished. */
export async function start(kind, fn, options) {
  return running(await makers[kind](fn, options))
}

/** The same for a server that a test made itself. */
export async function running(server) {
  const sockets = new Set()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const responses = new Set()
  server.on('request', (_, res) => {
    responses.add(res)
    res.once('close', () => responses.delete(res))
  })
  const close = leftover(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })
  await listening(server)
  const { port } = server.address()
  return {
    server,
    port,
    sockets,
    responses,
    url: `http://${HOST}:${port}/`,
    close,
  }
}
