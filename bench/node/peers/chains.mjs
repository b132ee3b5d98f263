// The same three synchronous steps, and the same concurrent calls, in every library; loaded anew for each contestant, so that nobody spoils another's type feedback.
import { Readable } from 'node:stream'

export const plusOne = (n) => n + 1
export const notByThree = (n) => n % 3 !== 0
export const timesTwo = (n) => n * 2

/** An async generator over an array: what a source is in real life. */
export async function* source(events) {
  for (const event of events) yield event
}

/** What each of them must answer. */
export const chained = (events) => events.map(plusOne).filter(notByThree).map(timesTwo)

export const ofReadable = (events) => Readable.from(source(events)).map(plusOne).filter(notByThree).map(timesTwo).toArray()

/** A development dependency, as IxJS is. */
export async function ofRx() {
  const { filter, from, lastValueFrom, map, toArray } = await import('rxjs')
  return (events) => lastValueFrom(from(source(events)).pipe(map(plusOne), filter(notByThree), map(timesTwo), toArray()))
}

export async function ofIx() {
  const { from, toArray } = await import('ix/asynciterable')
  const { filter, map } = await import('ix/asynciterable/operators')
  return (events) => toArray(from(source(events)).pipe(map(plusOne), filter(notByThree), map(timesTwo)))
}

/** The same as one bare generator by hand. */
export async function byHand(events) {
  const results = []
  const steps = async function* () {
    for await (const event of source(events)) {
      const next = event + 1
      if (next % 3 !== 0) yield next * 2
    }
  }
  for await (const result of steps()) results.push(result)
  return results
}

/** A call that takes 1 ms and nothing of the processor. */
export const waitOne = (n) => new Promise((resolve) => setTimeout(resolve, 1, n))

/** What is ideal: so many loops over one array, each with the next free event, and nothing between them. */
export async function workers(events, count) {
  const results = new Array(events.length)
  let next = 0
  const work = async () => {
    while (next < events.length) {
      const index = next++
      results[index] = await waitOne(events[index])
    }
  }
  await Promise.all(Array.from({ length: count }, work))
  return results
}
