// A round trip on one stream while thousands of others are open and idle: it must not matter that they are there.
import { streamFn } from '../../dist/index.js'
import { addClaim, document, main, median, tidyUp } from './harness.mjs'
import { average } from './work.mjs'

const BAR_TIMES = 1.2

async function roundTrip(options) {
  const [others, trips] = options.quick ? [100, 100] : [10_000, 20_000]
  const fn = streamFn(average, { maxConcurrent: others + 1 })
  const stream = fn.open()
  const times = { alone: [], crowded: [] }
  let sent = 0
  const measure = async () => {
    tidyUp()
    const start = performance.now()
    for (let i = 0; i < trips; i++) {
      await stream.send(3)
      if ((await stream.recv()) !== 3) throw new Error(`wrong result after ${sent} events`)
      sent++
    }
    return ((performance.now() - start) * 1000) / trips
  }
  for (let round = -options.warmup; round < options.rounds; round++) {
    const alone = await measure()
    const crowd = await Promise.all(Array.from({ length: others }, () => openIdle(fn)))
    const crowded = await measure()
    await Promise.all(crowd.map((idle) => idle.close()))
    if (round < 0) continue
    times.alone.push(alone)
    times.crowded.push(crowded)
  }
  await stream.close()
  const of = `with ${others} others open and idle`
  const rows = [
    { name: 'alone', value: median(times.alone), unit: 'us' },
    { name: of, value: median(times.crowded), unit: 'us' },
  ]
  addClaim(rows, { of, peer: 'alone', bar: BAR_TIMES, most: true }, median(times.crowded.map((crowded, i) => crowded / times.alone[i])))
  return { title: 'round trip on one stream', rows }
}

async function openIdle(fn) {
  const stream = fn.open()
  await stream.send(1)
  if ((await stream.recv()) !== 1) throw new Error('an idle stream answered wrongly')
  return stream
}

export function crowd(options) {
  return document('crowd', [roundTrip], options)
}

await main(import.meta, crowd)
