// Orders uploaded to Express, checked while they arrive. A stream per request: it ends with the upload, or with a client that goes away.
//
//   node examples/express-upload.mjs
//   curl --data-binary @examples/data/orders.ndjson -H 'content-type: application/x-ndjson' http://127.0.0.1:PORT/orders/check

import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { lines } from './support/lines.mjs'
import { orders, toNdjson } from './support/orders.mjs'

export const app = express()

// One answer for the whole upload: a plain loop is all it takes.
app.post('/orders/total', async (req, res) => {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const summary = { accepted: 0, rejected: 0, total: 0 }
  for await (const { error, total } of orders(lines(req), { signal: gone.signal })) {
    if (error) summary.rejected++
    else Object.assign(summary, { accepted: summary.accepted + 1, total })
  }
  res.json(summary)
})

// An answer per row, while the upload still runs. Do not write `for await (...) res.write(...)` here: a bare res.write() does not mind the
// drain, it buffers, and a client that reads slowly fills the memory of the server. pipeline() minds it: while res is full the function
// rests and req is not read on. It also ends everything when either side goes away.
app.post('/orders/check', async (req, res) => {
  res.type('application/x-ndjson')
  await pipeline(req, lines, orders, toNdjson, res)
})

// With the client gone there is nobody to answer.
app.use((error, req, _res, next) => {
  if (!req.socket.destroyed) next(error)
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = app.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
}
