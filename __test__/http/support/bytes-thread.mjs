// A thread that serves `holding`, whose events wait until they are let go. It answers by messages: `{ port }`, then what it is asked to do.

import { once } from 'node:events'
import http from 'node:http'
import { parentPort } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'

let letGo
const held = new Promise((resolve) => {
  letGo = resolve
})
const holding = streamFn(
  async function* holding(events) {
    await held
    for await (const event of events) yield event.length
  },
  { maxConcurrent: 1 },
)
const server = http.createServer(handler(holding)).listen(0, '127.0.0.1')
await once(server, 'listening')
const orders = {
  letGo: () => letGo(),
  configure: (options) => runtime.configure(options),
  events: () => holding.metrics.eventsIn,
  snapshot: () => runtime.snapshot().bytesBuffered,
  refusal() {
    try {
      holding.open()
    } catch (error) {
      return error.message
    }
    return undefined
  },
}
parentPort.on('message', ({ order, value }) => parentPort.postMessage({ value: orders[order](value) }))
parentPort.postMessage({ port: server.address().port })
