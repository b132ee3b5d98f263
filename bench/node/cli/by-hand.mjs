// What people write: readline, the generator, a write for each result. Nobody waits for a slow reader, and nothing is closed on Ctrl-C.

import { createInterface } from 'node:readline'
import average from './average.mjs'

async function* events() {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) yield JSON.parse(line)
}

for await (const result of average(events())) process.stdout.write(`${JSON.stringify(result)}\n`)
