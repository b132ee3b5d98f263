// A durable stream over the embedded journal: the folder, what an event waits for.

import { journal } from '../../../dist/durable.js'
import { streamFn } from '../../../dist/index.js'
import { serve } from './serve.mjs'

const [, , folder, sync] = process.argv
const sums = streamFn(
  async function* sums(events) {
    let sum = 0
    for await (const amount of events) yield (sum += amount)
  },
  { name: 'sums', durable: journal(folder, { sync }), idleTimeout: 0 },
)
const stream = sums.open({ id: 'session' })
await stream.resumed

serve(async (event) => {
  await stream.send(event)
  const sum = await stream.recv()
  await stream.ack()
  return sum
})
