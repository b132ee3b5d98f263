// A vibration sensor wakes up, sends a burst of packets and sleeps again.
// A rolling window over the samples (in thousandths of g) tells where the machine shook too hard; a packet is handed over in one call.
//
// expect: shook from sample 169 to 242, peak 659 mg
// expect: shook from sample 389 to 441, peak 485 mg
// expect: 512 samples

import { createReadStream } from 'node:fs'
import { streamFn } from 'velo-stream'
import { lines } from './support/lines.mjs'

const WINDOW = 32
const LIMIT = 250

const rollingRms = streamFn(async function* rollingRms(samples) {
  const window = new Array(WINDOW).fill(0)
  let seen = 0
  let squares = 0 // of integers, so nothing is lost by adding and taking away
  for await (const sample of samples) {
    const slot = seen % WINDOW
    squares += sample ** 2 - window[slot] ** 2
    window[slot] = sample
    if (++seen >= WINDOW) yield { at: seen - 1, rms: Math.sqrt(squares / WINDOW) }
  }
})

const shakes = rollingRms.pipe(async function* shakes(windows) {
  let shake
  for await (const { at, rms } of windows) {
    if (rms > LIMIT) shake = { from: shake?.from ?? at, to: at, peak: Math.max(shake?.peak ?? 0, rms) }
    else if (shake) {
      yield shake
      shake = undefined
    }
  }
  if (shake) yield shake
})

async function receive(radio, stream) {
  for await (const packet of lines(radio)) await stream.sendBatch(packet.split(',').map(Number))
  stream.end()
}

async function report(stream) {
  for await (const { from, to, peak } of stream) console.log(`shook from sample ${from} to ${to}, peak ${peak.toFixed(0)} mg`)
}

const stream = shakes.open()
try {
  await Promise.all([receive(createReadStream(new URL('data/vibration.csv', import.meta.url)), stream), report(stream)])
  console.log(`${stream.metrics.eventsIn} samples`)
} finally {
  await stream.close()
}
