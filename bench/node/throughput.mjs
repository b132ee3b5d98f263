// Events per second on every path, beside what people would write by hand.
// Every contestant has its own copy of the function (and of the loops around it), so that nobody spoils another's type feedback.
import { streamFn } from '../../dist/index.js'
import { contest, document, freshCopy, main } from './harness.mjs'
import { rxjsPeers } from './peers/rxjs.mjs'
import { eventedTransform, pulledTransform, writtenTransform } from './peers/transform.mjs'
import { throughTransformStream } from './peers/web.mjs'
import { averages, numbers, pipedAverages } from './work.mjs'

/** The pieces of one contestant. */
async function pieces(name) {
  const files = ['work.mjs', 'live.mjs', 'peers/minimal.mjs', 'peers/queue.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

/** After a collection the first thousands count. */
const size = (options) => (options.quick ? 1_000 : options.collect ? 5_000 : 100_000)

async function runArray(options) {
  const events = numbers(size(options))
  const [bare, velo] = [await pieces('array bare'), await pieces('array velo')]
  const fn = streamFn(velo.average)
  const contestants = {
    'bare async function*': () => bare.gather(bare.average(events)),
    'run(array)': () => fn.run(events),
  }
  const claims = [{ of: 'run(array)', peer: 'bare async function*', bar: 1.1 }]
  return contest({ title: 'an array', events: events.length, expected: averages(events), contestants, claims, options })
}

async function pulled(options) {
  const events = numbers(size(options))
  const [bare, run, call] = [await pieces('pull bare'), await pieces('pull run'), await pieces('pull call')]
  const [runFn, callFn] = [streamFn(run.average), streamFn(call.average)]
  const peer = 'bare async function*'
  const contestants = {
    [peer]: () => bare.gather(bare.average(bare.minimal(events))),
    'run(source)': () => runFn.run(run.minimal(events)),
    'fn(source)': () => call.gather(callFn(call.minimal(events))),
  }
  const claims = ['run(source)', 'fn(source)'].map((of) => ({ of, peer, bar: 0.9 }))
  return contest({ title: 'a minimal async iterator', events: events.length, expected: averages(events), contestants, claims, options })
}

async function live(options) {
  const events = numbers(size(options))
  const [byHand, one, many] = [await pieces('live queue'), await pieces('live send'), await pieces('live batch')]
  const [oneFn, manyFn] = [streamFn(one.average), streamFn(many.average)]
  const peer = 'promise queue'
  const contestants = {
    [peer]: () => byHand.throughQueue(byHand.average, events),
    'open, send, for await': () => one.throughStream(oneFn, events),
    'sendBatch(64), recvBatch(64)': () => many.throughBatches(manyFn, events, 64),
  }
  const claims = [
    { of: 'open, send, for await', peer, bar: 1.1 },
    { of: 'sendBatch(64), recvBatch(64)', peer, bar: 1.4 },
  ]
  return contest({ title: 'a live stream', events: events.length, expected: averages(events), contestants, claims, options })
}

async function pingPong(options) {
  const events = numbers(size(options) / 2)
  const [byHand, velo] = [await pieces('ping queue'), await pieces('ping velo')]
  const fn = streamFn(velo.average)
  const peer = 'promise queue'
  const contestants = {
    [peer]: () => byHand.pingPongQueue(byHand.average, events),
    'send, recv': () => velo.pingPong(fn, events),
  }
  const claims = [{ of: 'send, recv', peer, bar: 0.8 }]
  return contest({ title: 'ping-pong', events: events.length, expected: averages(events), contestants, claims, options })
}

async function pipeline(options) {
  const events = numbers(size(options) / 2)
  const [bare, run, call] = [await pieces('pipe bare'), await pieces('pipe run'), await pieces('pipe call')]
  const pipe = ({ increment, double, average }) => streamFn(increment).pipe(double).pipe(average)
  const [runFn, callFn] = [pipe(run), pipe(call)]
  const peer = 'three nested generators'
  const contestants = {
    [peer]: () => bare.gather(bare.average(bare.double(bare.increment(bare.minimal(events))))),
    'pipe of three, run(source)': () => runFn.run(run.minimal(events)),
    'pipe of three, fn(source)': () => call.gather(callFn(call.minimal(events))),
  }
  const claims = Object.keys(contestants)
    .slice(1)
    .map((of) => ({ of, peer, bar: 0.9 }))
  return contest({ title: 'three stages', events: events.length, expected: pipedAverages(events), contestants, claims, options })
}

async function elsewherePulled(options) {
  const events = numbers(size(options) / 2)
  const [velo, run, rest] = [await pieces('elsewhere velo'), await pieces('elsewhere run'), await pieces('elsewhere rest')]
  const [fn, runFn] = [streamFn(velo.average), streamFn(run.average)]
  const rxjs = await rxjsPeers()
  const contestants = {
    'fn(source)': () => velo.gather(fn(velo.minimal(events))),
    'run(source)': () => runFn.run(run.minimal(events)),
    'Transform, source, for await': () => pulledTransform(rest.minimal(events)),
    ...(rxjs && { 'RxJS, step may await': () => rxjs.awaiting(rest.minimal(events)) }),
    ...(rxjs && { 'RxJS, step cannot await': () => rxjs.plain(rest.minimal(events)) }),
  }
  const bar = (peer) => (peer.endsWith('cannot await') ? undefined : 1)
  const peers = Object.keys(contestants).slice(2)
  const claims = ['fn(source)', 'run(source)'].flatMap((of) => peers.map((peer) => ({ of, peer, bar: bar(peer) })))
  return contest({ title: 'elsewhere, pulled', events: events.length, expected: averages(events), contestants, claims, options })
}

async function elsewhereWritten(options) {
  const events = numbers(size(options) / 2)
  const [send, trySend] = [await pieces('elsewhere send'), await pieces('elsewhere trySend')]
  const [sendFn, trySendFn] = [streamFn(send.average), streamFn(trySend.average)]
  const contestants = {
    'send, for await': () => send.throughStream(sendFn, events),
    'trySend, for await': () => trySend.throughTrySend(trySendFn, events),
    'Transform, write, for await': () => writtenTransform(events),
    'Transform, write, data events': () => eventedTransform(events),
    TransformStream: () => throughTransformStream(events),
  }
  const claims = [
    { of: 'send, for await', peer: 'TransformStream', bar: 1 },
    { of: 'trySend, for await', peer: 'Transform, write, for await', bar: 1 },
    { of: 'trySend, for await', peer: 'Transform, write, data events' },
  ]
  return contest({ title: 'elsewhere, written', events: events.length, expected: averages(events), contestants, claims, options })
}

export function throughput(options) {
  return document('throughput', [runArray, pulled, live, pingPong, pipeline, elsewherePulled, elsewhereWritten], options)
}

await main(import.meta, throughput)
