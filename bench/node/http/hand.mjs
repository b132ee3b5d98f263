// What people write by hand: readline, the generator, res.write. It has no backpressure, no cancellation and no limits.
import { createInterface } from 'node:readline'

export function byHand(generator) {
  return async (req, res) => {
    res.setHeader('content-type', 'application/x-ndjson')
    for await (const result of generator(events(req))) res.write(`${JSON.stringify(result)}\n`)
    res.end()
  }
}

async function* events(req) {
  for await (const line of createInterface({ input: req, crlfDelay: Number.POSITIVE_INFINITY })) if (line !== '') yield JSON.parse(line)
}
