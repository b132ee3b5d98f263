// An order over a WebSocket that outlives its server: `velo serve --durable` keeps the session in a journal. Here the server is killed with kill -9 in the middle of an order and started again on
// the same port. The client goes on by itself; no line is lost, and none comes twice.
// `node examples/order-session.mjs page` serves a page to try it by hand, and starts the server anew whenever you kill it.
//
// expect: line 1: 2 tea, 8.00 so far
// expect: line 2: 1 cup, 20.50 so far
// expect: the server is killed
// expect: line 3: 3 spoon, 29.50 so far
// expect: line 4: 1 tea, 33.50 so far
// expect: done

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { connect } from 'velo-stream/client'
import { WebSocket } from 'ws'
import { serveOrders } from './support/order-service.mjs'

const folder = mkdtempSync(join(tmpdir(), 'orders-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

async function byItself() {
  let service = await serveOrders(folder)
  // In a page: connect('/fn/orders', ...). Node.js has a WebSocket of its own from 22 on.
  const order = connect(`${service.url}/fn/orders`, { resume: true, endMessage: 'end', WebSocket })
  const answers = order[Symbol.asyncIterator]()
  const add = async (item, quantity) => {
    await order.send({ item, quantity })
    const { value } = await answers.next()
    console.log(`line ${value.line}: ${value.quantity} ${value.item}, ${value.total} so far`)
  }
  await add('tea', 2)
  await add('cup', 1)
  await service.kill('SIGKILL')
  console.log('the server is killed')
  service = await serveOrders(folder, { port: service.port })
  await add('spoon', 3)
  await add('tea', 1)
  await order.end()
  await answers.next()
  console.log((await order.closed).reason)
  await service.kill('SIGTERM')
}

async function byHand() {
  const client = new URL('.', import.meta.resolve('velo-stream'))
  const page = readFileSync(new URL('support/order-session.html', import.meta.url))
  const pages = createServer((req, res) => {
    const name = basename(new URL(req.url, 'http://localhost').pathname)
    if (!name.endsWith('.mjs')) return res.setHeader('content-type', 'text/html').end(page)
    res.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(name, client)))
  }).listen(0, '127.0.0.1')
  await once(pages, 'listening')
  const origin = `http://127.0.0.1:${pages.address().port}`
  let service = await serveOrders(folder, { origin })
  console.log(`${origin}/?service=${encodeURIComponent(service.url)}`)
  for (;;) {
    console.log(`the server is process ${service.child.pid}: kill -9 it`)
    await once(service.child, 'exit')
    service = await serveOrders(folder, { port: service.port, origin })
  }
}

await (process.argv[2] === 'page' ? byHand() : byItself())
