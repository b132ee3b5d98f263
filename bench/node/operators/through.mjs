// Groups: a live stream as a Node stream, and fed from a source, beside what people write.
import { once } from 'node:events'
import { Duplex, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { streamFn } from '../../../dist/index.js'
import { contest, freshCopy } from '../harness.mjs'
import { averages, numbers } from '../work.mjs'

/** Writes all of them through it, as `pipeline()` does, and gathers what comes out. */
async function piped(events, through) {
  const results = []
  through.on('data', (result) => results.push(result))
  const ended = once(through, 'end')
  await pipeline(Readable.from(events), through)
  await ended
  return results
}

/** The running average as a Transform that never waits. */
function transformOf() {
  let [total, count] = [0, 0]
  return new Transform({
    objectMode: true,
    transform(event, _encoding, done) {
      done(null, (total += event) / ++count)
    },
  })
}

export async function duplex(options) {
  const events = numbers(options.quick ? 1_000 : 20_000)
  const [bare, velo] = await Promise.all(['bare', 'velo'].map((name) => freshCopy('work.mjs', `duplex ${name}`)))
  const fn = streamFn(velo.average)
  const contestants = {
    'Transform, synchronous': () => piped(events, transformOf()),
    'Duplex.from(generator)': () => piped(events, Duplex.from(bare.average)),
    'open().toDuplex()': () => piped(events, fn.open().toDuplex()),
  }
  const of = 'open().toDuplex()'
  const claims = [
    // A Transform that never waits makes no promise at all, and a generator makes three an event.
    { of, peer: 'Transform, synchronous' },
    { of, peer: 'Duplex.from(generator)', bar: 0.5 },
  ]
  return contest({
    title: 'as a Node stream in pipeline()',
    events: events.length,
    expected: averages(events),
    contestants,
    claims,
    options,
  })
}

export async function feed(options) {
  const events = numbers(options.quick ? 1_000 : 50_000)
  const files = ['work.mjs', 'peers/minimal.mjs', 'peers/queue.mjs']
  const pieces = async (name) => Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, `feed ${name}`)))))
  const [bare, hand, velo] = await Promise.all(['bare', 'hand', 'velo'].map(pieces))
  const fn = streamFn(velo.average)
  const contestants = {
    'bare async function*': () => bare.gather(bare.average(bare.minimal(events))),
    'promise queue, by hand': () => hand.throughQueueFrom(hand.average, hand.minimal(events)),
    'open().feed(source)': () => velo.gather(fn.open().feed(velo.minimal(events))),
  }
  const claims = Object.keys(contestants)
    .slice(0, 2)
    .map((peer) => ({ of: 'open().feed(source)', peer, bar: 0.5 }))
  return contest({
    title: 'a source fed into a live stream',
    events: events.length,
    expected: averages(events),
    contestants,
    claims,
    options,
  })
}
