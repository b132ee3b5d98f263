// Stream functions on worker threads beside what people write by hand: the same generator behind `postMessage`, one event a message or in
// batches of 64, and a task pool that is handed the state with every event. Both sides have as many events under way (`SAME_WINDOW`).
import { runtime, streamFn } from '../../dist/index.js'
import { addClaim, contest, document, main, median } from './harness.mjs'
import { checkedFrames } from './workers/frames.mjs'
import { grind, ground as localGround } from './workers/functions.mjs'
import { Hand } from './workers/hand.mjs'
import { bytes, checked, digestOf, ground, numbers, smallObjects } from './workers/kinds.mjs'
import { asArray, inBatches, oneByOne, onWorker } from './workers/ours.mjs'
import { payloads } from './workers/payloads.mjs'
import { Place, round } from './workers/round-trips.mjs'
import { Tasks } from './workers/tasks.mjs'

/** `buffer` events and as many results: what the window of the peers, 2048, is to them. */
const SAME_WINDOW = { buffer: 1024 }
const NODE = Number(process.versions.node.split('.')[0])
/** A clone of a number got faster after Node 20, and batches of them with it; the bar is about what is left to win. */
const NUMBERS_IN_BATCHES = NODE >= 24 ? 1 : 0.7
/** From Node 22 on a buffer can be taken away without a message, so that many go in one. */
const TRANSFERRED = NODE >= 22 ? 0.9 : 0.65

/** What V8 clones in one go travels at least so fast, whatever it is. */
const CLONED = 0.7

/** Rounds before the clock counts: much of a link runs once a batch, and it takes about a million events until V8 has compiled all of it. */
const WARM_ROUNDS = 40

/** The threads of a process share a core or not as chance has it, and stay so. */
const PROCESSES = 5

const EACH = 'postMessage'
const BATCHES = 'postMessage, batches of 64'

const DEFAULTS = 'all options at their defaults'

/** One kind of event through one worker, pipelined. `bars`: with the window of the peers; `defaults`: as a user who sets no option has it. */
async function pipelined(title, kind, count, { bars, defaults = {}, ours = {} }, options) {
  const events = kind.make(options.quick ? 500 : count)
  const hands = { [EACH]: await Hand.start(kind.fn), [BATCHES]: await Hand.start(kind.fn, { batch: 64 }) }
  const [fn, byDefault] = [onWorker(kind.fn, { ...SAME_WINDOW, ...ours }), onWorker(kind.fn)]
  const barred = { 'sendBatch(64), recvBatch(256)': inBatches(fn), 'run(array)': asArray(fn) }
  const usual = { [`sendBatch(64), recvBatch(256), ${DEFAULTS}`]: inBatches(byDefault), [`run(array), ${DEFAULTS}`]: asArray(byDefault) }
  const shown = { 'send, for await': oneByOne(fn), [`send, for await, ${DEFAULTS}`]: oneByOne(byDefault) }
  const ways = { [EACH]: hands[EACH].through, [BATCHES]: hands[BATCHES].through, ...barred, ...usual, ...shown }
  const { contestants, expected } = await checked(kind, events, ways)
  const claim = (some, asked) => Object.keys(some).flatMap((of) => [EACH, BATCHES].map((peer) => ({ of, peer, bar: asked[peer] })))
  const claims = [...claim(barred, bars), ...claim(usual, defaults), ...claim(shown, {})]
  const result = await contest({ title, events: events.length, contestants, expected, claims, options: warm(options) })
  await stopAll(Object.values(hands))
  return result
}

function objects(options) {
  const bars = { [EACH]: 3, [BATCHES]: 1.3 }
  return pipelined('small objects', smallObjects, 32_768, { bars, defaults: bars }, options)
}

function plainNumbers(options) {
  return pipelined('numbers', numbers, 65_536, { bars: { [EACH]: 4, [BATCHES]: NUMBERS_IN_BATCHES } }, options)
}

/** With the codec `'binary'`, whose values share memory, and with the default one, where each has a buffer of its own, as with the peers. */
const BYTES = { bars: { [EACH]: 3, [BATCHES]: 1.5 }, defaults: { [BATCHES]: 1 }, ours: { codec: 'binary' } }

function bytes64(options) {
  return pipelined("64 B Uint8Array, codec 'binary'", bytes(64), 32_768, BYTES, options)
}

function bytes1024(options) {
  return pipelined("1 KB Uint8Array, codec 'binary'", bytes(1024), 16_384, BYTES, options)
}

async function frames(options) {
  const count = options.quick ? 100 : 1_024
  const peer = 'postMessage, transfer'
  const hand = await Hand.start('stamped', { transfer: true, window: 128 })
  const [fn, byDefault] = [onWorker('stamped', { transfer: true, buffer: 64 }), onWorker('stamped', { transfer: true })]
  const ours = {
    'sendBatch(64), recvBatch(256)': inBatches(fn),
    'send, for await': oneByOne(fn),
    'all other options at their defaults': inBatches(byDefault),
  }
  const { contestants, expected } = await checkedFrames(count, { [peer]: hand.through, ...ours })
  const claims = Object.keys(ours).map((of) => ({ of, peer, bar: TRANSFERRED }))
  const title = '64 KB frames, transferred'
  const result = await contest({ title, events: count, contestants, expected, claims, options: warm(options) })
  await stopAll([hand])
  return result
}

/** One kind of value, with every option at its default, beside structured clone. */
async function payload(name, kind, options) {
  const events = kind.make(options.quick ? Math.min(kind.count, 100) : kind.count)
  const hand = await Hand.start(kind.fn)
  const fn = onWorker(kind.fn)
  const ours = { 'sendBatch(64), recvBatch(256)': inBatches(fn), 'send, for await': oneByOne(fn) }
  const { contestants, expected } = await checked(kind, events, { [EACH]: hand.through, ...ours })
  const claims = Object.keys(ours).map((of, at) => ({ of, peer: EACH, bar: at === 0 ? CLONED : undefined }))
  // One huge value is as warm after a round as after many.
  const warmed = kind.count === 1 ? { ...options, warmup: Math.min(options.warmup, 1) } : options
  const result = await contest({ title: `payload: ${name}`, events: events.length, contestants, expected, claims, options: warmed })
  await stopAll([hand])
  return result
}

const payloadGroups = Object.entries(payloads).map(([name, kind]) => {
  const group = (options) => payload(name, kind, options)
  // They spend their time on the values, wherever the threads run.
  return Object.defineProperties(group, { name: { value: `payload: ${name}` }, processes: { value: 1 } })
})

/** A ratio is the median over the rounds of the ratios of the quantiles. */
async function roundTrips(options) {
  const places = process.platform === 'linux' ? [Place.TWO_CORES, Place.ONE_CORE] : [Place.CHANCE]
  const found = places.map(() => [])
  for (let i = 0; i < options.rounds; i++)
    for (const [at, place] of places.entries()) found[at].push(await round(options.quick ? 1 : 8, place))
  const rows = []
  for (const [at, place] of places.entries()) {
    const rounds = found[at]
    for (const name of Object.keys(rounds[0])) {
      for (const q of ['p50', 'p99'])
        rows.push({ name: `${name}, ${place}: ${q}`, value: median(rounds.map((one) => one[name][q])), unit: 'us' })
    }
    for (const [peer, bars] of Object.entries({ [EACH]: { p50: 1.05, p99: 2 }, Piscina: { p50: 1.05 } })) {
      for (const q of ['p50', 'p99']) {
        const ratio = median(rounds.map((one) => one['send, recv'][q] / one[peer][q]))
        addClaim(rows, { of: `send, recv, ${place}: ${q}`, peer: `${peer}, ${place}: ${q}`, bar: bars[q], most: true }, ratio)
      }
    }
  }
  const note = 'Two cores: the caller on one, the worker on the other, and each wakes the other from sleep. One core: both on the same.'
  return { title: 'round trip of one small object', rows, note }
}

/** How many turns of `grind` take a millisecond here: the best of several, since nothing else is meant by it. */
function turnsOfOneMs() {
  const turns = 1_000
  let best = Infinity
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    grind(i, turns)
    best = Math.min(best, performance.now() - start)
  }
  return Math.round(turns / best)
}

/** Eight streams at once, each `each` events of 1 ms. The worker written by hand says what the machine can give: it has no other cost here. */
async function processor(options) {
  const [streams, each] = [8, options.quick ? 2 : 32]
  const kind = ground(turnsOfOneMs())
  const events = kind.make(each)
  runtime.configure({ workers: 2 })
  await runtime.warm()
  const [local, fn] = [streamFn(localGround), onWorker('ground')]
  const hands = await Promise.all([1, 2].map(() => Hand.start('ground')))
  const halves = (hand) => async (take) => {
    for (let i = 0; i < streams / 2; i++) await hand.through(events, take)
  }
  const all = (stream) => (take) => Promise.all(Array.from({ length: streams }, () => stream(take)))
  const peer = 'run(array), local'
  const ways = {
    [peer]: all(async (take) => (await local.run(events)).forEach(take)),
    'run(array), 2 workers': all(async (take) => (await fn.run(events)).forEach(take)),
    'open, send, 2 workers': all((take) => oneByOne(fn)(events, take)),
    '2 workers by hand': (take) => Promise.all(hands.map((hand) => halves(hand)(take))),
  }
  const answers = kind.answers(events)
  const contestants = mapValues(ways, (way) => async () => {
    const results = []
    await way((result) => results.push(result))
    return results.sort((a, b) => a - b)
  })
  const expected = answers.flatMap((answer) => Array(streams).fill(answer)).sort((a, b) => a - b)
  const claims = Object.keys(ways)
    .slice(1)
    .map((of, i) => ({ of, peer, bar: i === 0 ? 1.7 : undefined }))
  const title = 'eight streams, 1 ms of work an event'
  const result = await contest({ title, events: streams * each, contestants, expected, claims, options })
  await stopAll(hands)
  return result
}

/**
 * `streams` streams at once through a task pool and through stream functions, on one thread each. By default a thread of Piscina has one task at a
 * time; the figure without a bar is for a pool told to hand out as many as there are streams, which only suits tasks that never take long.
 */
async function besideTasks(streams, options) {
  const each = (options.quick ? 256 : 8_192) / streams
  const events = smallObjects.make(each)
  const pools = { Piscina: new Tasks(1, 1) }
  if (streams > 1) pools[`Piscina, ${streams} tasks at once`] = new Tasks(1, streams)
  const fn = onWorker('readings')
  const ours = { 'send, for await': oneByOne(fn), 'run(array)': asArray(fn) }
  const { contestants: single } = await checked(smallObjects, events, { ...mapValues(pools, (pool) => pool.through), ...ours })
  const contestants = mapValues(single, (one) => async () => ({ each: await Promise.all(Array.from({ length: streams }, one)) }))
  const expected = { each: Array(streams).fill(digestOf(smallObjects.answers(events), smallObjects.part)) }
  const claims = Object.keys(ours).flatMap((of) => Object.keys(pools).map((peer, i) => ({ of, peer, bar: i === 0 ? 3 : undefined })))
  const title = `state in the task payload, ${streams === 1 ? 'one stream' : `${streams} streams at once`}`
  const result = await contest({ title, events: streams * each, contestants, expected, claims, options })
  await stopAll(Object.values(pools))
  return result
}

function oneStreamOfTasks(options) {
  return besideTasks(1, options)
}

function manyStreamsOfTasks(options) {
  return besideTasks(64, options)
}

function warm(options) {
  return options.quick ? options : { ...options, warmup: WARM_ROUNDS }
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
}

function stopAll(things) {
  return Promise.all(things.map((thing) => thing.stop()))
}

export function workers(options) {
  const groups = [
    objects,
    plainNumbers,
    bytes64,
    bytes1024,
    frames,
    roundTrips,
    processor,
    oneStreamOfTasks,
    manyStreamsOfTasks,
    ...payloadGroups,
  ]
  return document('workers', groups, options, PROCESSES)
}

await main(import.meta, workers)
