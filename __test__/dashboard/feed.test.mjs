// The feed of the dashboard: a stream like any other, gone with its page, and bounded.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { runtime } from 'velo-stream'
import { within } from '../support/within.mjs'
import { opened, served } from './support.mjs'

const feeds = () => runtime.inspect({ function: 'velo:dashboard' })

test('it brings a picture at once and more by and by, ends by itself, and says that it is to be opened again', async () => {
  const { url } = await served()
  const { res, first } = await opened(`${url}/dashboard`)
  assert.match(res.headers['content-type'], /^text\/event-stream/)
  assert.match(res.headers['content-security-policy'], /^default-src 'none'/)
  assert.match(first, /^data: \{"overview"/)
  let text = first
  res.on('data', (part) => (text += part))
  await within(60_000, once(res, 'end'), 'the feed ends')
  const pictures = text.split('\n\n').filter((event) => event.startsWith('data: {'))
  assert.equal(pictures.length, 8)
  assert.match(text, /event: again\ndata:\n\n$/)
  const times = pictures.map((event) => JSON.parse(event.slice(6)).overview.at)
  assert.ok(times.every((at, index) => index === 0 || at >= times[index - 1]))
})

test('the stream of a page that has gone is gone', async () => {
  const { url } = await served()
  const { req } = await opened(`${url}/dashboard`)
  assert.equal(feeds().length, 1)
  assert.equal(feeds()[0].headers?.host, undefined)
  const { streamsOpen } = runtime.snapshot()
  req.destroy()
  const gone = (async () => {
    while (feeds().length > 0) await new Promise(setImmediate)
  })()
  await within(30_000, gone, 'the stream ends')
  assert.equal(runtime.snapshot().streamsOpen, streamsOpen - 1)
})
