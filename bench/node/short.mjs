// Streams that live for one event, or five: what it costs to make one and to end it, here and on a worker thread, beside what people write by hand. The figures are
// streams a second.
import { runtime, streamFn } from '../../dist/index.js'
import { contest, document, freshCopy, main } from './harness.mjs'
import { onWorker } from './workers/ours.mjs'
import { Sessions } from './workers/sessions.mjs'

const FIVE = [1, 2, 3, 4, 5]
const BAR = 0.5

async function pieces(name) {
  const files = ['work.mjs', 'peers/minimal.mjs', 'peers/queue.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

/** `count` times, one after the other; answers what the last one did. */
const times = (count, work) => async () => {
  let last
  for (let i = 0; i < count; i++) last = await work()
  return last
}

/** The same in rows of `width` at once. */
const rows = (count, width, work) => async () => {
  let last
  for (let i = 0; i < count; i += width) last = await Promise.all(Array.from({ length: width }, work))
  return last.at(-1)
}

const sizeHere = (options) => (options.quick ? 20 : options.collect ? 300 : 2_000)

async function openings(options) {
  const count = sizeHere(options)
  const [bare, hand, velo] = [await pieces('open bare'), await pieces('open hand'), await pieces('open velo')]
  const fn = streamFn(velo.average)
  const contestants = {
    'bare async function*': times(count, async () => {
      const generator = bare.average(bare.minimal([7]))
      const { value } = await generator.next()
      await generator.return()
      return value
    }),
    'promise queue': times(count, async () => {
      const queue = new hand.Queue()
      const generator = hand.average(queue)
      await queue.send(7)
      const { value } = await generator.next()
      queue.end()
      await generator.return()
      return value
    }),
    'open, send, recv, close': times(count, async () => {
      const stream = fn.open()
      await stream.send(7)
      const value = await stream.recv()
      await stream.close()
      return value
    }),
  }
  const claims = ['bare async function*', 'promise queue'].map((peer) => ({ of: 'open, send, recv, close', peer, bar: BAR }))
  return contest({ title: 'one event, opened by hand', events: count, expected: 7, contestants, claims, options })
}

async function runs(title, events, options) {
  const count = sizeHere(options)
  const [bare, velo] = [await pieces(`${title} bare`), await pieces(`${title} velo`)]
  const fn = streamFn(velo.average)
  const peer = 'bare async function*'
  const contestants = {
    [peer]: times(count, () => bare.gather(bare.average(events))),
    'run(array)': times(count, () => fn.run(events)),
  }
  const claims = [{ of: 'run(array)', peer, bar: BAR }]
  return contest({ title, events: count, expected: await fn.run(events), contestants, claims, options })
}

function runsOfFive(options) {
  return runs('run of five events', FIVE, options)
}

function runsOfOne(options) {
  return runs('run of one event', [7], options)
}

/** As in a handler of requests. */
async function madeAnew(options) {
  const count = sizeHere(options)
  const { gather } = await pieces('anew')
  const made = () =>
    async function* (events) {
      let total = 0
      for await (const event of events) yield (total += event)
    }
  const peer = 'bare async function*'
  const contestants = {
    [peer]: times(count, () => gather(made()(FIVE))),
    'streamFn(fn).run(array)': times(count, () => streamFn(made()).run(FIVE)),
  }
  const claims = [{ of: 'streamFn(fn).run(array)', peer, bar: BAR }]
  return contest({ title: 'defined for each run of five', events: count, expected: [1, 3, 6, 10, 15], contestants, claims, options })
}

/** One worker thread of each. */
async function onThreads(title, count, expected, make, options) {
  runtime.configure({ workers: 1 })
  await runtime.warm()
  const hand = await Sessions.start()
  const peer = 'postMessage'
  const [byHand, ours] = make(hand, onWorker('sums'))
  const claims = [{ of: 'on a worker', peer, bar: BAR }]
  const result = await contest({ title, events: count, expected, contestants: { [peer]: byHand, 'on a worker': ours }, claims, options })
  await hand.stop()
  return result
}

const oneOf = (fn) => async () => {
  const stream = fn.open()
  await stream.send(7)
  const value = await stream.recv()
  await stream.close()
  return value
}

function oneAfterTheOther(options) {
  const count = options.quick ? 10 : 500
  const make = (hand, fn) => [times(count, () => hand.one(7)), times(count, oneOf(fn))]
  return onThreads('on a worker, one event each, one after the other', count, 7, make, options)
}

function fiftyAtOnce(options) {
  const count = options.quick ? 50 : 1_000
  const make = (hand, fn) => [rows(count, 50, () => hand.one(7)), rows(count, 50, oneOf(fn))]
  return onThreads('on a worker, one event each, 50 at once', count, 7, make, options)
}

function fiftyRunsAtOnce(options) {
  const count = options.quick ? 50 : 1_000
  const make = (hand, fn) => [rows(count, 50, () => hand.all(FIVE)), rows(count, 50, () => fn.run(FIVE))]
  return onThreads('on a worker, runs of five, 50 at once', count, [1, 3, 6, 10, 15], make, options)
}

/** They stay open: what each event costs where a thread has many streams. */
async function thousandOpen(options) {
  const count = options.quick ? 20 : 1_000
  const make = (hand, fn) => {
    const [theirs, ours] = [Array.from({ length: count }, () => hand.open()), Array.from({ length: count }, () => fn.open())]
    const byHand = async () => {
      for (const session of theirs) session.send(1)
      return (await Promise.all(theirs.map((session) => session.recv()))).length
    }
    const here = async () => {
      await Promise.all(ours.map((stream) => stream.send(1)))
      return (await Promise.all(ours.map((stream) => stream.recv()))).length
    }
    return [byHand, here]
  }
  return onThreads('on a worker, an event to each of 1000 that are open', count, count, make, options)
}

export function short(options) {
  const groups = [openings, runsOfFive, runsOfOne, madeAnew, oneAfterTheOther, fiftyAtOnce, fiftyRunsAtOnce, thousandOpen]
  return document('short', groups, options)
}

await main(import.meta, short)
