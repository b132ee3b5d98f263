// One stream of each form that never ends, so that compiled code outlives a pause. V8 holds the hidden classes of objects weakly: a full garbage
// collection while no stream is open throws away what was compiled for them, and the next thousands of events cost ten times as much. An exemplar runs a
// function of ours over events of ours; it has no permit, no row, no timer, and nothing of a user's. About 30 KB an isolate.

import { AsyncResource } from 'node:async_hooks'
import { Definition } from '../engine/definition.js'
import { LiveMode } from '../engine/modes/live.js'
import { RunMode } from '../engine/modes/run.js'
import type { Stage } from '../engine/stages/stage.js'
import { defaults } from './options.js'
import { Results } from './results.js'
import { Stream } from './stream.js'

/** The event after which the function of an exemplar rests for good: its end would have to be told to Rust, which does not know it. */
const LAST = 3
const EVENTS = [1, 2, LAST]
/** With which its channels open; Rust grants no more. */
const CREDITS = 8

/** What keeps them: nothing asks for it again. */
const exemplars: unknown[] = []
/** How often each form was used until it had its own, with one stage and with several. */
const single = { live: 0, run: 0, call: 0 }
const piped = { live: 0, run: 0, call: 0 }

/** Async context of nobody. */
const nobody = new AsyncResource('VeloExemplar', { requireManualDestroy: true })

async function* rests(events: AsyncIterable<number>): AsyncGenerator<number, void, undefined> {
  for await (const event of events) {
    yield event
    if (event === LAST) await new Promise(() => {})
  }
}

async function* passes(events: AsyncIterable<number>): AsyncGenerator<number, void, undefined> {
  for await (const event of events) yield event
}

function definition(stages: number): Definition {
  const fns = stages === 1 ? [rests] : [passes, passes, rests]
  const named = fns.map((fn): Stage => ({ fn: fn as unknown as Stage['fn'], name: 'exemplar', schema: undefined }))
  return Definition.exemplar(named, { ...defaults('exemplar'), buffer: CREDITS, idleTimeout: 0 })
}

function pending(): AsyncIterable<number> {
  let at = 0
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (at < EVENTS.length ? Promise.resolve({ value: EVENTS[at++] as number, done: false }) : new Promise(() => {})),
    }),
  }
}

function* synchronous(): Generator<number, void, undefined> {
  yield* EVENTS
}

const forms = {
  async live(def: Definition): Promise<void> {
    const stream = new Stream<number, number>(new LiveMode(def, {}))
    exemplars.push(stream)
    await stream.send(1)
    await stream.recv()
    await stream.sendBatch([2])
    await stream.recvBatch(2)
    const results = stream[Symbol.asyncIterator]()
    exemplars.push(results)
    const next = results.next()
    await stream.send(LAST)
    await next
    // The function rests from here on: a line of sends and of reads.
    for (let i = 0; i < 2 * CREDITS; i++) void stream.send(i)
    for (let i = 0; i < 3; i++) void results.next()
  },
  async run(def: Definition): Promise<void> {
    for (const source of [EVENTS, synchronous(), pending()]) exemplars.push(new RunMode(def, source, undefined))
  },
  async call(def: Definition): Promise<void> {
    for (const source of [EVENTS, pending()]) {
      const results = new Results<number>(def, source, 0, undefined)
      exemplars.push(results)
      for (let i = 0; i < 2; i++) await results.next()
    }
  },
}

/**
 * Makes the exemplar of a form with its second use: soon, and not before the stream that is waited for. A process that was started for one stream answers that 1.2 ms sooner
 * without; where its second one comes after a pause, the price of that is paid by the second one.
 */
export function keepCompiled(form: keyof typeof forms, stages: number): void {
  const of = stages === 1 ? single : piped
  if (of[form] === 2 || ++of[form] < 2) return
  const make = (): void => void nobody.runInAsyncScope(() => forms[form](definition(stages)))
  setImmediate(make).unref()
}
