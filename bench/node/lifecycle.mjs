// What a stream costs that lives for one event: open, the event, its result, close. Median of single cycles, in microseconds.
import { streamFn } from '../../dist/index.js'
import { addClaim, checkAnswer, document, freshCopy, main, median, tidyUp } from './harness.mjs'

const BAR_US = 5
const BLOCK = 300
const WARM_BLOCKS = 20

async function contestants() {
  const [bare, byHand, velo] = await Promise.all(['one bare', 'one queue', 'one velo'].map((name) => freshCopy('work.mjs', name)))
  const [{ minimal }, { Queue }] = [await freshCopy('peers/minimal.mjs', 'one'), await freshCopy('peers/queue.mjs', 'one')]
  const fn = streamFn(velo.average)
  return {
    'open, send, recv, close': async () => {
      const stream = fn.open()
      await stream.send(7)
      const result = await stream.recv()
      await stream.close()
      return result
    },
    'bare async function*': async () => {
      const generator = bare.average(minimal([7]))
      const { value } = await generator.next()
      await generator.return()
      return value
    },
    'promise queue': async () => {
      const queue = new Queue()
      const generator = byHand.average(queue)
      await queue.send(7)
      const { value } = await generator.next()
      queue.end()
      await generator.return()
      return value
    },
  }
}

async function oneEvent(options) {
  const all = await contestants()
  const names = Object.keys(all)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  for (const name of names) checkAnswer(name, await all[name](), 7)
  const blocks = options.quick ? 1 : options.rounds + WARM_BLOCKS
  for (let block = 0; block < blocks; block++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(block + turn) % names.length]
      const times = await cycles(all[name])
      if (block >= WARM_BLOCKS || options.quick) samples[name].push(...times)
    }
  }
  const rows = names.map((name) => ({ name, value: median(samples[name]), unit: 'us' }))
  addClaim(rows, { of: names[0], bar: BAR_US, most: true }, rows[0].value)
  for (const peer of rows.slice(1)) addClaim(rows, { of: names[0], peer: peer.name, most: true }, rows[0].value / peer.value)
  return { title: `one event (${samples[names[0]].length} samples each)`, rows }
}

async function cycles(cycle) {
  tidyUp()
  const times = []
  for (let i = 0; i < BLOCK; i++) {
    const start = performance.now()
    const result = await cycle()
    times.push((performance.now() - start) * 1000)
    if (result !== 7) throw new Error(`answered ${result}, expected 7`)
  }
  return times
}

export function lifecycle(options) {
  return document('lifecycle', [oneEvent], options)
}

await main(import.meta, lifecycle)
