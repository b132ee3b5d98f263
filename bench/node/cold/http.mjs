// An HTTP server whose requests are streams; says its port when it listens.
import { createServer } from 'node:http'
import { handler } from '../../../dist/http.mjs'
import { streamFn } from '../../../dist/index.mjs'

const totals = streamFn(async function* totals(events) {
  let total = 0
  for await (const { add } of events) yield { total: (total += add) }
})

const server = createServer(handler(totals))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
