// A running average over HTTP: numbers in the body, a line each; averages in the response, while the upload runs. The state lives as long as the request.
//
//   node examples/http-average.mjs
//
// expect: NDJSON: 10 15 20
// expect: SSE: data: 10 data: 15
// expect: 400: line 2 is no JSON

import { once } from 'node:events'
import { createServer } from 'node:http'
import { streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'

const average = streamFn(async function* average(numbers) {
  let total = 0
  let count = 0
  for await (const number of numbers) yield (total += number) / ++count
})

// The same function: Express `app.post('/', handler(average))`, Fastify `fastify.post('/', fastify.velo(average))`, Hono `toResponse(average, c.req.raw)`.
const server = createServer(handler(average)).listen(0, '127.0.0.1')
await once(server, 'listening')

async function post(body, accept = 'application/x-ndjson') {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { method: 'POST', body, headers: { accept } })
  return { status: response.status, text: await response.text() }
}
const words = ({ text }) => text.split('\n').filter(Boolean).join(' ')

console.log('NDJSON:', words(await post('10\n20\n30\n')))
console.log('SSE:', words(await post('10\n20\n', 'text/event-stream')))
const { status, text } = await post('10\ntwenty\n')
console.log(`${status}:`, JSON.parse(text).error.message)
server.close()
