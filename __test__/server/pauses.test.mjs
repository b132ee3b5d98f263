// Clients that pause (rule 13): a quiet upload and a quiet chat go on as if nothing had been, however long that is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { virtualClock } from 'velo-stream/testing'
import { average, noStreams, posting, serving, webSocket } from './service.mjs'

const HOUR = 3_600_000

test('an upload that pauses for an hour is answered as a whole', async () => {
  const clock = virtualClock()
  const { port } = await serving({ functions: { average: streamFn(average, { clock }) } })
  const upload = posting(port, '/fn/average')
  upload.write('1\n')
  await upload.until('1\n')
  await clock.advance(HOUR)
  upload.end('3\n')
  const { status, text, complete } = await upload.ended()
  assert.deepEqual([status, text, complete], [200, '1\n2\n', true])
  await noStreams()
})

test('a chat that is quiet for an hour goes on', async () => {
  const clock = virtualClock()
  const { url } = await serving({ functions: { average: streamFn(average, { clock }) } })
  const chat = webSocket(`${url}/fn/average`)
  await chat.opened()
  chat.send(1)
  await chat.count(1)
  await clock.advance(HOUR)
  chat.send(3)
  assert.deepEqual(await chat.count(2), [1, 2])
  chat.socket.close()
  await noStreams()
})
