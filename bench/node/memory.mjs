// Resident memory of one open stream after one event, with 100 000 of them open. Each contestant has a process of its own.
import { execFileSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { addClaim, collectGarbage, document, main, median } from './harness.mjs'
import { Queue } from './peers/queue.mjs'
import { average } from './work.mjs'

const BAR_KB = 4
const BAR_TIMES = 2.5

/** Each opens one stream, sees one event through it, and answers what must be kept for the stream to stay open. */
const openers = {
  async 'open stream'(n) {
    const { streamFn } = await import('../../dist/index.js')
    const fn = streamFn(average, { maxConcurrent: n })
    return async (i) => {
      const stream = fn.open()
      await stream.send(i)
      return { result: await stream.recv(), kept: stream }
    }
  },
  // Both sides of it are in this process; the thread runs before anything is measured.
  async 'open stream on a worker'(n) {
    const { onWorker } = await import('./workers/ours.mjs')
    const fn = onWorker('sums', { maxConcurrent: n + 1, idleTimeout: 0 })
    await fn.run([1])
    return async (i) => {
      const stream = fn.open()
      await stream.send(i)
      return { result: await stream.recv(), kept: stream }
    }
  },
  // Suspended at its first yield: the least a generator can be.
  async 'bare generator, at yield'() {
    return async (i) => {
      const generator = average(one(i))
      return { result: (await generator.next()).value, kept: generator }
    }
  },
  // Asked again, so it waits for its second event, as the function of an idle stream does.
  async 'bare generator, parked'() {
    return async (i) => {
      const generator = average(one(i))
      const { value } = await generator.next()
      void generator.next()
      return { result: value, kept: generator }
    }
  },
  async 'promise queue'() {
    return async (i) => {
      const queue = new Queue()
      const generator = average(queue)
      await queue.send(i)
      return { result: (await generator.next()).value, kept: [queue, generator] }
    }
  },
}

/** One event, then silence. */
function one(event) {
  let sent = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      if (sent) return new Promise(() => {})
      sent = true
      return Promise.resolve({ value: event, done: false })
    },
  }
}

async function measure(name, n) {
  const open = await openers[name](n)
  const kept = new Array(n)
  await settle()
  const before = process.memoryUsage.rss()
  for (let i = 0; i < n; i++) {
    const opened = await open(i)
    if (opened.result !== i) throw new Error(`${name}: stream ${i} answered ${opened.result}`)
    kept[i] = opened.kept
  }
  await settle()
  const bytes = process.memoryUsage.rss() - before
  if (kept.includes(undefined)) throw new Error(`${name}: not every stream is open`)
  process.stdout.write(`${bytes / n / 1024}\n`)
  process.exit(0)
}

async function settle() {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await pause(20)
  }
}

async function openStreams(options) {
  const n = options.quick ? 1_000 : 100_000
  const names = Object.keys(openers)
  const sizes = Object.fromEntries(names.map((name) => [name, []]))
  const script = fileURLToPath(import.meta.url)
  for (let round = 0; round < (options.quick ? 1 : 3); round++) {
    for (const name of names)
      sizes[name].push(Number(execFileSync(process.execPath, [script, '--child', name, String(n)], { encoding: 'utf8' })))
  }
  const rows = names.map((name) => ({ name, value: median(sizes[name]), unit: 'KB' }))
  const [stream, ...peers] = rows
  addClaim(rows, { of: stream.name, bar: BAR_KB, most: true }, stream.value)
  for (const peer of peers) {
    const bar = peer.name === 'bare generator, parked' ? BAR_TIMES : undefined
    addClaim(rows, { of: stream.name, peer: peer.name, bar, most: true }, stream.value / peer.value)
  }
  return { title: `resident memory of one of ${n} open`, rows }
}

export function memory(options) {
  return document('memory', [openStreams], options)
}

if (process.argv[2] === '--child') await measure(process.argv[3], Number(process.argv[4]))
await main(import.meta, memory)
