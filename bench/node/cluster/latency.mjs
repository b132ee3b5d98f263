// How soon the result of one event is seen, committed in between: beside two bare hops through streams, in lots that take turns, because where the scheduler puts the processes decides both.
import { addClaim, middleOf } from '../harness.mjs'
import { prepared } from './sessions.mjs'

const LOT = 100

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(values.length * q)]

/** The time of each of `count` round trips in ms, one after the other. */
export async function trips(count, trip) {
  const times = []
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    await trip(i)
    times.push(performance.now() - from)
  }
  return times
}

export function latency(options) {
  return prepared(options, async ({ client, library, another, beside, front }) => {
    const reads = await another()
    await beside('hop')
    await beside('host')
    const one = front()
    const open = async (name) => {
      const stream = await one.open(name, 'a')
      return () => Promise.all([stream.send({ n: 1 }), stream.recv()])
    }
    let last = '0'
    const hops = async () => {
      await library.add(client, 'there', '1')
      for (let answer = []; answer.length === 0; ) {
        answer = await library.read(reads, 'back', last)
        last = answer.at(-1)?.[0] ?? last
      }
    }
    const peer = 'two bare XREAD BLOCK hops, p50'
    const all = { 'append to visible result, p50': await open('sum'), 'the same with a state, p50': await open('kept'), [peer]: hops }
    const seen = Object.fromEntries(Object.keys(all).map((name) => [name, []]))
    // Compiled code settles after some thousand events.
    const warmup = options.quick ? 0 : options.warmup
    for (let round = -warmup; round < options.rounds; round++) {
      const times = Object.fromEntries(Object.keys(all).map((name) => [name, []]))
      for (let lot = 0; lot < (options.quick ? 1 : 10); lot++)
        for (const [name, trip] of Object.entries(all)) times[name].push(...(await trips(options.quick ? 20 : LOT, trip)))
      if (round >= 0) for (const name of Object.keys(all)) seen[name].push(quantile(times[name], 0.5))
    }
    const rows = Object.keys(all).map((name) => ({ name, ...middleOf(seen[name].map((ms) => ms * 1000)), unit: 'us' }))
    for (const name of Object.keys(all)) {
      if (name === peer) continue
      addClaim(
        rows,
        { of: name, peer, bar: 1.5, most: true },
        seen[name].map((own, at) => own / seen[peer][at]),
      )
    }
    return { title: 'one event at a time, and its result, committed in between', rows }
  })
}
