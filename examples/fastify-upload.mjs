// Orders uploaded to Fastify, checked while they arrive. A stream per request: it ends with the upload, or with a client that goes away.
//
//   node examples/fastify-upload.mjs
//   curl --data-binary @examples/data/orders.ndjson -H 'content-type: application/x-ndjson' http://127.0.0.1:PORT/orders/check

import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { lines } from './support/lines.mjs'
import { orders, toNdjson } from './support/orders.mjs'

export const app = Fastify()

// The body stays the stream it is; without this Fastify would read all of it first.
app.addContentTypeParser('application/x-ndjson', (_request, body, done) => done(null, body))

// One answer for the whole upload: a plain loop is all it takes.
app.post('/orders/total', async (request, reply) => {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const summary = { accepted: 0, rejected: 0, total: 0 }
  for await (const { error, total } of orders(lines(request.body), { signal: gone.signal })) {
    if (error) summary.rejected++
    else Object.assign(summary, { accepted: summary.accepted + 1, total })
  }
  return summary
})

// An answer per row, while the upload still runs. Do not write `for await (...) reply.raw.write(...)` here: a bare write() does not mind
// the drain, it buffers, and a client that reads slowly fills the memory of the server. pipeline() minds it: while the response is full
// the function rests and the request is not read on. It also ends everything when either side goes away.
// hijack() tells Fastify that the response is ours.
app.post('/orders/check', async (request, reply) => {
  reply.hijack()
  reply.raw.setHeader('content-type', 'application/x-ndjson')
  await pipeline(request.body, lines, orders, toNdjson, reply.raw)
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
}
