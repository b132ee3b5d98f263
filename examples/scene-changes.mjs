// An upload that is looked at while it arrives: the scene changes of a video, told before the last byte has come. The same stream function
// in Express, Fastify and Hono; a client that vanishes ends it.
//
// expect: express: a new scene at 3.2 s, while the upload goes on
// expect: express: a new scene at 5.8 s
// expect: express: a new scene at 8.2 s
// expect: fastify: a new scene at 3.2 s, while the upload goes on
// expect: fastify: a new scene at 5.8 s
// expect: fastify: a new scene at 8.2 s
// expect: hono: a new scene at 3.2 s, while the upload goes on
// expect: hono: a new scene at 5.8 s
// expect: hono: a new scene at 8.2 s

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import velo from 'velo-stream/fastify'
import { handler, toResponse } from 'velo-stream/http'
import { lines } from './support/lines.mjs'
import { sceneChanges } from './support/scenes.mjs'

const options = { in: 'raw', out: 'ndjson' }

const onExpress = express().post('/scenes', handler(sceneChanges, options))

const onFastify = fastify()
await onFastify.register(velo)
onFastify.post('/scenes', onFastify.velo(sceneChanges, options))
await onFastify.ready()

const onHono = new Hono().post('/scenes', (c) => toResponse(sceneChanges, c.req.raw, options))

const apps = { express: onExpress, fastify: onFastify.routing, hono: getRequestListener(onHono.fetch) }
const video = readFileSync(new URL('videos/scenes.mjpeg', import.meta.url))

for (const [name, app] of Object.entries(apps)) {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await upload(name, server.address().port)
  server.close()
}

/** Sends the first half, and the rest when the first change has been told. */
async function upload(name, port) {
  let goOn
  const told = new Promise((resolve) => (goOn = resolve))
  async function* halves() {
    yield video.subarray(0, video.length / 2)
    await told
    yield video.subarray(video.length / 2)
  }
  const headers = { 'content-type': 'video/x-motion-jpeg' }
  const response = await fetch(`http://127.0.0.1:${port}/scenes`, { method: 'POST', headers, body: halves(), duplex: 'half' })
  let first = true
  for await (const line of lines(response.body)) {
    console.log(`${name}: a new scene at ${JSON.parse(line).seconds} s${first ? ', while the upload goes on' : ''}`)
    first = false
    goOn()
  }
}
