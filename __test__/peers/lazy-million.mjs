// Puts a lazy source of a million events through a stream function and prints what it took, as JSON: `node --expose-gc lazy-million.mjs sync call`.
// A process of its own, because inside a test runner every promise is watched and costs ten times as much.

import { streamFn } from 'velo-stream'

const [kind, way] = process.argv.slice(2)
const COUNT = 1_000_000
let pulled = 0
let read = 0
let ahead = 0
let first
let peak = 0
let inOrder = true

const pass = async function* pass(events) {
  for await (const event of events) yield event
}

function* lazy() {
  while (pulled < COUNT) yield { n: pulled++, text: 'some text' }
}

function note({ n }) {
  inOrder &&= n === read
  first ??= pulled
  ahead = Math.max(ahead, pulled - ++read)
  if (read % 250_000 !== 0) return
  globalThis.gc()
  peak = Math.max(peak, process.memoryUsage().heapUsed)
}

const source = kind === 'async' ? pass(lazy()) : lazy()
globalThis.gc()
const start = process.memoryUsage().heapUsed
if (way === 'run') {
  // run() collects its results, so this function keeps them to itself.
  const count = streamFn(async function* count(events) {
    for await (const event of events) note(event)
    yield read
  })
  await count.run(source)
} else {
  const echo = streamFn(pass)
  for await (const event of way === 'call' ? echo(source) : echo.open().feed(source)) note(event)
}
console.log(JSON.stringify({ read, inOrder, first, ahead, grownKiB: Math.round((peak - start) / 1024) }))
