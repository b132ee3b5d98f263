// The servers of the groups that count CPU time, each made in a process of its own: ours, and what people write instead.
import { once } from 'node:events'
import { byHand } from './hand.mjs'
import { sensor } from './sensor.mjs'

/** Results of one response, and of one of many that hear the same. */
export const RESULTS = 1000
export const FANNED = 500
/** Readings of one turn of the event loop. */
const BURST = 50
export const SUBSCRIBERS = 100

async function* readings(count) {
  for (let id = 0; id < count; id++) yield reading(id)
}

const reading = (id) => ({ id, celsius: 20 + (id % 7) / 2 })

const HEAD = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform' }
const eventOf = (result) => `data: ${JSON.stringify(result)}\n\n`

async function ours(options) {
  const [{ handler }, { streamFn }] = await Promise.all([import('../../../dist/http.js'), import('../../../dist/index.js')])
  return handler(streamFn(sensor), options)
}

async function express(listener) {
  const { default: makeApp } = await import('express')
  const app = makeApp()
  app.use(listener)
  return app
}

/** The best that is written by hand: one text for many results, and a wait for room. */
async function gathered(results, res) {
  let text = ''
  for await (const result of results) {
    text += eventOf(result)
    if (text.length < 16_384) continue
    const hasRoom = res.write(text)
    text = ''
    if (!hasRoom) await Promise.race([once(res, 'drain'), once(res, 'close')])
    if (res.destroyed) return
  }
  res.end(text)
}

async function oneByOne(results, res) {
  for await (const result of results) {
    if (!res.write(eventOf(result))) await once(res, 'drain')
  }
  res.end()
}

/** Lines of a body without readline: what costs least. */
async function* lines(req) {
  let rest = ''
  req.setEncoding('utf8')
  for await (const chunk of req) {
    const found = (rest + chunk).split('\n')
    rest = found.pop()
    for (const line of found) if (line !== '') yield JSON.parse(line)
  }
  if (rest !== '') yield JSON.parse(rest)
}

/** Readings in bursts, a turn each. */
async function* bursts() {
  for (let id = 0; id < FANNED; id++) {
    if (id % BURST === 0) await new Promise(setImmediate)
    yield reading(id)
  }
}

/** One source for all who come, which begins when all are there. */
async function hub() {
  const { broadcast } = await import('../../../dist/operators.js')
  let [all, come] = [undefined, 0]
  return () => {
    if (come++ % SUBSCRIBERS === 0) all = broadcast(bursts(), { readers: SUBSCRIBERS })
    return all.subscribe()
  }
}

/** What people write: one text an event, and a loop over all who listen. It has no backpressure. */
function loudspeaker() {
  const all = []
  const speak = async () => {
    const listening = all.splice(0)
    for await (const result of sensor(bursts())) {
      const text = eventOf(result)
      for (const res of listening) res.write(text)
    }
    for (const res of listening) res.end()
  }
  return (_req, res) => {
    res.writeHead(200, HEAD)
    res.flushHeaders()
    if (all.push(res) === SUBSCRIBERS) void speak()
  }
}

export const listeners = {
  'ndjson ours': () => ours(),
  'ndjson hand': () => byHand(sensor),
  'ndjson split': () => async (req, res) => {
    res.setHeader('content-type', 'application/x-ndjson')
    for await (const result of sensor(lines(req))) if (!res.write(`${JSON.stringify(result)}\n`)) await once(res, 'drain')
    res.end()
  },
  'sse ours': () => ours({ out: 'sse', events: () => readings(RESULTS) }),
  'sse express': () =>
    express((_req, res) => {
      res.writeHead(200, HEAD)
      void gathered(sensor(readings(RESULTS)), res)
    }),
  'sse hand': () => (_req, res) => {
    res.writeHead(200, HEAD)
    void oneByOne(sensor(readings(RESULTS)), res)
  },
  'fan ours': async () => ours({ out: 'sse', events: await hub() }),
  'fan hand': loudspeaker,
}
