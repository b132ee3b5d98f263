// What it costs to be seen: metrics scraped, a log, a listener for stuck functions and OpenTelemetry, all of it on, against none of it. The context manager of OpenTelemetry is left
// out: on Node 20 an active AsyncLocalStorage halves every promise of the process, with us or without.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { runtime, streamFn } from '../../dist/index.js'
import { instrument, metricsText } from '../../dist/telemetry.js'
import { addClaim, contest, document, freshCopy, main, median } from './harness.mjs'
import { averages, numbers } from './work.mjs'

const BAR = 0.97
/** Events of a turn: long enough that turning things on is nothing. */
const EVENTS = 200_000

const tracerProvider = new BasicTracerProvider()
const ignore = () => {}
const log = { error: ignore, warn: ignore, info: ignore, debug: ignore }

/** Does some work with everything on. */
async function seen(work) {
  const stop = await instrument({ tracerProvider })
  runtime.configure({ log })
  subscribe('velo:stream:stuck', ignore)
  metricsText()
  try {
    const answer = await work()
    metricsText()
    return answer
  } finally {
    unsubscribe('velo:stream:stuck', ignore)
    runtime.configure({ log: null })
    stop()
  }
}

async function pieces(name) {
  const files = ['work.mjs', 'live.mjs', 'peers/minimal.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

/** The paths that events take. */
const paths = {
  'run(source)': (own, fn, events) => fn.run(own.minimal(events)),
  'open, send, for await': (own, fn, events) => own.throughStream(fn, events, {}),
  'ping-pong': (own, fn, events) => own.pingPong(fn, events, {}),
}

async function onePath(path, options) {
  const events = numbers(options.quick ? 1_000 : EVENTS)
  const [plain, watched] = [await pieces(`${path} off`), await pieces(`${path} on`)]
  const [off, on] = [streamFn(plain.average), streamFn(watched.average)]
  const contestants = {
    off: () => paths[path](plain, off, events),
    'all of it on': () => seen(() => paths[path](watched, on, events)),
  }
  const claims = [{ of: 'all of it on', peer: 'off', bar: BAR }]
  return contest({ title: path, events: events.length, expected: averages(events), contestants, claims, options })
}

/** A scrape where so many streams are open, ms. */
async function scrape(options) {
  const count = options.quick ? 100 : 10_000
  const own = await pieces('scrape')
  const fn = streamFn(own.average, { maxConcurrent: count })
  const streams = Array.from({ length: count }, () => fn.open())
  for (const stream of streams) await stream.send(1)
  const times = []
  for (let round = 0; round < 200; round++) {
    const start = performance.now()
    const text = metricsText()
    times.push(performance.now() - start)
    if (!text.includes(`velo_streams_open{function="average",placement="local"} ${count}\n`)) throw new Error('a scrape counts wrongly')
  }
  await Promise.all(streams.map((stream) => stream.close()))
  const rows = [{ name: `metricsText(), ${count} streams open`, value: median(times), unit: 'ms' }]
  addClaim(rows, { of: rows[0].name, bar: 1, most: true }, median(times))
  return { title: 'scrape', rows }
}

export function telemetry(options) {
  const groups = Object.keys(paths).map((path) => Object.defineProperty((given) => onePath(path, given), 'name', { value: path }))
  return document('telemetry', [...groups, scrape], options, 3)
}

await main(import.meta, telemetry)
