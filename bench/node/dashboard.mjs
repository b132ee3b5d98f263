// The page of the dashboard while 10 000 streams are open and at work: is it scrolled, and updated, at 60 frames a second? In Chromium without a GPU; the streams are in another process.
//
// Of the frames it tells how many came in time; of the thread of the page, how long it worked for one. `--trace <file>` keeps a trace for Chromium's own tools, `--streams` and `--seconds` say how much.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { findBrowser } from '../../__test__/support/programs.mjs'
import { dashboard } from '../../dist/dashboard.js'
import { streamFn } from '../../dist/index.js'

/** ms of a frame. */
const FRAME = 1000 / 60
/** Streams that get an event in one turn, and ms between two. */
const TURN = { streams: 100, ms: 20 }

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    trace: { type: 'string' },
    json: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
  },
})

/** The process that is looked at. */
async function serve(count) {
  const echo = streamFn(
    async function* echo(events) {
      yield* events
    },
    { maxConcurrent: count, idleTimeout: 0 },
  )
  const streams = Array.from({ length: count }, (_, n) => echo.open({ id: `session-${n}`, headers: { 'x-tenant': `tenant-${n % 100}` } }))
  let next = 0
  setInterval(() => {
    for (let n = 0; n < TURN.streams; n++) {
      const stream = streams[next++ % count]
      void stream.send(n)
      void stream.recv()
    }
  }, TURN.ms)
  const board = dashboard()
  const server = createServer((req, res) => board(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send(server.address().port)
  process.on('disconnect', () => process.exit())
}

/** Scrolls up and down for a while, a screen in some ten frames, and answers when each frame was. In the page. */
async function scroll(ms) {
  const grid = document.getElementById('grid')
  const times = []
  let step = 70
  await new Promise((resolve) => {
    const begin = performance.now()
    const frame = (now) => {
      times.push(now)
      const last = grid.scrollHeight - grid.clientHeight
      if (grid.scrollTop + step > last || grid.scrollTop + step < 0) step = -step
      grid.scrollTop += step
      if (now - begin < ms) requestAnimationFrame(frame)
      else resolve()
    }
    requestAnimationFrame(frame)
  })
  return times
}

/** Only updates are seen. In the page. */
async function watch(ms) {
  const times = []
  await new Promise((resolve) => {
    const begin = performance.now()
    const frame = (now) => {
      times.push(now)
      if (now - begin < ms) requestAnimationFrame(frame)
      else resolve()
    }
    requestAnimationFrame(frame)
  })
  return times
}

const share = (sorted, of) => sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))] ?? 0

function framesOf(times) {
  const gaps = times.slice(1).map((time, at) => time - times[at])
  const sorted = [...gaps].sort((a, b) => a - b)
  const seconds = (times.at(-1) - times[0]) / 1000
  return {
    framesPerSecond: gaps.length / seconds,
    inTime: gaps.filter((gap) => gap < 1.5 * FRAME).length / gaps.length,
    p50: share(sorted, 0.5),
    p99: share(sorted, 0.99),
    longest: sorted.at(-1),
  }
}

/** What the thread of the page did, by the CPU time that its tasks took: for each frame, the longest task, and the kinds of work. */
function workOf(events, frames) {
  const name = (event) => event.name === 'thread_name' && event.args.name === 'CrRendererMain'
  // Tasks stand in a trace once or twice, by the version of Chromium.
  const task = events.some(({ name: what }) => what === 'ThreadControllerImpl::RunTask') ? 'ThreadControllerImpl::RunTask' : 'RunTask'
  const busy = new Map()
  for (const { pid, tid, name: what, tdur = 0 } of events)
    if (what === task) busy.set(`${pid} ${tid}`, (busy.get(`${pid} ${tid}`) ?? 0) + tdur)
  const [main] = events
    .filter(name)
    .map(({ pid, tid }) => `${pid} ${tid}`)
    .sort((a, b) => (busy.get(b) ?? 0) - (busy.get(a) ?? 0))
  const own = events.filter(({ pid, tid, ph }) => `${pid} ${tid}` === main && ph === 'X')
  const kinds = {}
  for (const { name: what, tdur = 0 } of own) {
    if (
      /^(FunctionCall|FireAnimationFrame|EventDispatch|UpdateLayoutTree|Layout|PrePaint|Paint|Layerize|Commit|MinorGC|MajorGC|ParseHTML)$/.test(
        what,
      )
    )
      kinds[what] = (kinds[what] ?? 0) + tdur / 1000 / frames
  }
  const tasks = own.filter(({ name: what }) => what === task).map(({ tdur = 0 }) => tdur / 1000)
  return {
    msOfFrame: (busy.get(main) ?? 0) / 1000 / frames,
    longestTask: tasks.reduce((longest, ms) => Math.max(longest, ms), 0),
    kinds: Object.fromEntries(Object.entries(kinds).sort(([, a], [, b]) => b - a)),
  }
}

async function main() {
  const [count, ms] = [Number(values.streams), Number(values.seconds) * 1000]
  const executablePath = findBrowser()
  if (executablePath === undefined) throw new Error('no Chromium: CHROME_PATH names one')
  const child = fork(fileURLToPath(import.meta.url), ['--serve', '--streams', String(count)])
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const [port] = await once(child, 'message')
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.goto(`http://127.0.0.1:${port}/dashboard/`)
    await page.waitForSelector('.rows .row:not(.empty)')
    await page.evaluate(watch, 3000)
    const found = { streams: count }
    for (const [what, work] of Object.entries({ watched: watch, scrolled: scroll })) {
      const plain = framesOf(await page.evaluate(work, ms))
      await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8'] })
      const times = await page.evaluate(work, ms)
      const trace = await browser.stopTracing()
      if (values.trace !== undefined) writeFileSync(`${values.trace}-${what}.json`, trace)
      found[what] = { ...plain, ...workOf(JSON.parse(trace).traceEvents, times.length) }
    }
    process.stdout.write(`${JSON.stringify(found, undefined, values.json ? undefined : 2)}\n`)
  } finally {
    await browser.close()
    child.disconnect()
  }
}

if (values.serve) await serve(Number(values.streams))
else await main()
