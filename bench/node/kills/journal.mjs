// A durable stream over the embedded journal: the folder, what an event waits for, and whether each result is confirmed before the next event, as a commit of its own, or by and by.

import { journal } from '../../../dist/durable.js'
import { streamFn } from '../../../dist/index.js'
import { serve } from './serve.mjs'

const [, , folder, sync, confirmed] = process.argv
const sums = streamFn(
  async function* sums(events) {
    let sum = 0
    for await (const amount of events) yield (sum += amount)
  },
  { name: 'sums', durable: journal(folder, { sync }), idleTimeout: 0 },
)
const stream = sums.open({ id: 'session' })
// A sum for each event: what was not confirmed before a kill comes again.
let sent = (await stream.resumed)?.events ?? 0

serve(async (event) => {
  await stream.send(event)
  sent += event
  let sum
  do sum = await stream.recv()
  while (sum < sent)
  if (confirmed === 'each') await stream.ack()
  return sum
})
