// `run(source)` and `fn(source)` on random sources: against the bare generator where it has an answer, and, with a source that answers when the
// script says so, against a plain model. fast-check prints the seed of a failure and the shortest script that still fails.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { deferred, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { PulledModel } from './pulled-model.mjs'
import { agrees, LIMIT, MARKS, settings, show, THROWN } from './script.mjs'
import { Seen, shapes } from './shapes.mjs'

const names = Object.keys(shapes)
const numbers = (marks) => marks.map((mark, n) => ({ n, mark: mark?.throw === undefined ? mark : 'throw', error: THROWN[mark?.throw] }))

/** Counts what is done to an iterator; `spent` once it ended or threw. */
function counted(iterator, isAsync) {
  const counts = { pulls: 0, returns: 0, lateReturns: 0, spent: false, opened: 0 }
  const note = (result) => {
    counts.spent ||= result.done === true
    return result
  }
  const failed = () => {
    counts.spent = true
  }
  const steps = {
    next() {
      counts.pulls++
      if (isAsync) {
        // Noted when whoever asked is told, not before.
        const answer = Promise.resolve(iterator.next())
        answer.then(note, failed)
        return answer
      }
      try {
        return note(iterator.next())
      } catch (error) {
        failed()
        throw error
      }
    },
    return(value) {
      counts.returns++
      if (counts.spent) counts.lateReturns++
      const returned = iterator.return?.(value) ?? { value, done: true }
      return isAsync ? Promise.resolve(returned) : returned
    },
  }
  const open = () => {
    counts.opened++
    return steps
  }
  return { counts, source: isAsync ? { [Symbol.asyncIterator]: open } : { [Symbol.iterator]: open } }
}

/** Every kind of source over the same events, throwing `error` before event `at` if that is not undefined. */
const sources = {
  array: (events, fail) => (fail === undefined ? { source: events } : sources.generator(events, fail)),
  set: (events, fail) => (fail === undefined ? { source: new Set(events) } : sources.generator(events, fail)),
  generator: (events, fail) =>
    counted(
      (function* () {
        for (const [n, event] of events.entries()) {
          if (n === fail?.at) throw fail.error
          yield event
        }
        if (fail?.at === events.length) throw fail.error
      })(),
      false,
    ),
  promises: (events, fail) => {
    const promised = events.map((event, n) => (n === fail?.at ? Promise.reject(fail.error) : n % 2 === 0 ? Promise.resolve(event) : event))
    for (const one of promised) if (one instanceof Promise) one.catch(() => {})
    return { source: promised }
  },
  asyncGenerator: (events, fail) =>
    counted(
      (async function* () {
        for (const [n, event] of events.entries()) {
          if (n === fail?.at) throw fail.error
          if (n % 3 === 0) await null
          yield event
        }
        if (fail?.at === events.length) throw fail.error
      })(),
      true,
    ),
  minimal: (events, fail) => {
    let n = 0
    const next = async () => {
      if (n === fail?.at) throw fail.error
      return n < events.length ? { value: events[n++], done: false } : { value: undefined, done: true }
    }
    return { source: { [Symbol.asyncIterator]: () => ({ next }) } }
  },
  webStream: (events, fail) => {
    // One in error fails its own return() too, and when it is in error is a matter of timing.
    if (fail !== undefined) return sources.minimal(events, fail)
    let n = 0
    const pull = (controller) => {
      if (n < events.length) controller.enqueue(events[n++])
      else controller.close()
    }
    return { source: new ReadableStream({ pull }) }
  },
}

/** What is collected until the end, an error, or `most` results. */
async function collect(results, most = Number.POSITIVE_INFINITY) {
  const keys = []
  try {
    if (most === 0) return { keys }
    for await (const result of results) if (keys.push(result.key) === most) break
    return { keys }
  } catch (error) {
    return { keys, error }
  }
}

/** The bare generator over the same source. */
async function bare(name, source, most) {
  const seen = new Seen()
  seen.gate = async () => {}
  const lazily = async function* () {
    yield* source
  }
  return { ...(await collect(shapes[name].fn(seen)(lazily()), most)), taken: seen.events.length }
}

const fault = fc.option(fc.record({ at: fc.nat(12), error: fc.constantFrom(...THROWN) }), { nil: undefined })
const input = fc.record({ kind: fc.constantFrom(...Object.keys(sources)), marks: fc.array(MARKS, { maxLength: 12 }), fault })

function arrange(name, { kind, marks, fault }, options) {
  const events = numbers(marks)
  const fail = fault === undefined || fault.at > events.length ? undefined : fault
  const seen = new Seen()
  seen.gate = async () => {}
  const fn = streamFn(shapes[name].fn(seen), { name, ...options })
  const { source, counts } = sources[kind](events, fail)
  const reference = sources[kind](events, fail).source
  return { fn, seen, source, counts, reference }
}

/** Counts hold, and the source was given back at most once, never too late (3, 11). */
function account({ fn, seen, counts }, read) {
  const { eventsIn, eventsOut, dropped, streamsOpen } = fn.metrics
  assert.equal(streamsOpen, 0)
  assert.equal(eventsIn, seen.events.length + dropped.events, 'accepted = delivered + dropped')
  assert.equal(eventsOut, read + dropped.results, 'yielded = read + dropped')
  if (counts === undefined || counts.opened === 0) return
  assert.equal(counts.opened, 1)
  assert.equal(counts.lateReturns, 0, 'return() after the source ended or threw')
  assert.equal(counts.returns, counts.spent && counts.returns === 0 ? 0 : 1, 'return() exactly once on early exit')
}

describe('rules 1, 3, 10, 11 and 12: run and a call give what the bare generator gives', () => {
  for (const name of names) {
    test(name, { timeout: 600_000 }, async () => {
      const property = fc.asyncProperty(input, fc.option(fc.nat(6), { nil: undefined }), async (how, most) => {
        const called = arrange(name, how)
        const wanted = await bare(name, called.reference, most)
        const got = await within(LIMIT, collect(called.fn(called.source), most), 'the call')
        assert.deepEqual(got.keys, wanted.keys)
        assert.deepEqual(['error' in got, got.error], ['error' in wanted, wanted.error])
        assert.ok(called.seen.events.length <= wanted.taken, 'a call pulls no further than the bare generator')
        account(called, got.keys.length)

        const ran = arrange(name, how)
        const whole = await bare(name, ran.reference)
        const result = await within(LIMIT, outcome(ran.fn.run(ran.source)), 'run')
        assert.equal('error' in result, 'error' in whole)
        if ('error' in whole) assert.ok(Object.is(result.error, whole.error))
        else
          assert.deepEqual(
            result.value.map(({ key }) => key),
            whole.keys,
          )
        account(ran, whole.keys.length)
      })
      await fc.assert(property, settings(1 / 2 / names.length))
    })
  }
})

const pull = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant('next'), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 12, arbitrary: fc.record({ op: fc.constant('give'), mark: MARKS }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('go') }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('endSource') }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('failSource'), which: fc.nat(THROWN.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('return') }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('abort') }) },
)

/** One pulled stream over a source that answers when the script says so. */
class Pulled {
  seen = new Seen()
  calls = []
  pulls = []
  counts = { pulls: 0, returns: 0, late: 0 }
  model
  #spent = false
  #n = 0
  #stop = new AbortController()
  #results
  #run

  constructor(name, eager) {
    this.model = new PulledModel(shapes[name], eager)
    this.fn = streamFn(shapes[name].fn(this.seen), { name })
    const source = { [Symbol.asyncIterator]: () => this.#iterator() }
    if (eager) this.#run = this.#call('run', this.fn.run(source, { signal: this.#stop.signal }), (all) => all.map(({ key }) => key))
    else this.#results = this.fn(source, { signal: this.#stop.signal })
  }

  #iterator() {
    return {
      next: () => {
        this.counts.pulls++
        const waits = deferred()
        this.pulls.push(waits)
        return waits.promise
      },
      return: () => {
        this.counts.returns++
        if (this.#spent) this.counts.late++
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }

  apply(step) {
    this[step.op](step)
  }

  next({ count }) {
    if (this.#run !== undefined) return
    for (let i = 0; i < count; i++)
      this.model.next(this.#call('next', this.#results.next(), ({ value, done }) => ({ value: value?.key ?? value, done })))
  }

  give({ mark }) {
    if (this.pulls.length === 0) return
    const [event] = numbers([mark])
    event.n = this.#n++
    this.pulls.shift().resolve({ value: event, done: false })
    this.model.give(event)
  }

  endSource() {
    if (this.pulls.length === 0) return
    this.#spent = true
    this.pulls.shift().resolve({ value: undefined, done: true })
    this.model.endSource()
  }

  failSource({ which }) {
    if (this.pulls.length === 0) return
    this.#spent = true
    this.pulls.shift().reject(THROWN[which])
    this.model.failSource(THROWN[which])
  }

  go() {
    this.seen.go()
    this.model.go()
  }

  return() {
    if (this.#run === undefined) this.model.return(this.#call('return', this.#results.return()))
  }

  abort() {
    if (this.#stop.signal.aborted || (this.#run === undefined && this.calls.length === 0)) return
    this.#stop.abort('why')
    this.model.abort()
  }

  async rest() {
    await turns(2)
    const { model, counts, seen } = this
    model.settle()
    if (this.#run !== undefined) {
      this.#run.want = model.outcome
      assert.ok(counts.pulls - seen.events.length <= 2, 'run pulls one event ahead, no more')
      assert.ok(seen.events.length <= model.delivered + 1)
    } else {
      assert.deepEqual({ pulls: counts.pulls, taken: seen.events.length }, { pulls: model.pulls, taken: model.delivered }, 'lockstep')
    }
    for (const [index, call] of this.calls.entries()) {
      const what = `call ${index}, ${call.name}`
      if (call.want === undefined) assert.equal(call.got, undefined, `${what} is to wait`)
      else assert.ok(call.got !== undefined && agrees(call.got, call.want), `${what}: ${show(call.got)} instead of ${show(call.want)}`)
    }
    assert.equal(counts.late, 0, 'return() after the source ended or threw')
    assert.ok(counts.returns <= 1)
  }

  async finish() {
    for (let round = 0; !this.model.isOver; round++) {
      assert.ok(round < 500, 'it does not end')
      if (this.calls.length === 0) this.next({ count: 1 })
      else if (this.seen.gates.length > 0) this.go()
      else if (this.pulls.length > 0 && round > 3) this.endSource()
      else this.next({ count: 2 })
      await this.rest()
    }
    this.next({ count: 2 })
    await this.rest()
    for (const [index, call] of this.calls.entries()) assert.ok(call.got !== undefined, `call ${index}, ${call.name}, never settled`)
    const { streamsOpen, eventsOut, dropped } = this.fn.metrics
    assert.equal(streamsOpen, 0)
    assert.equal(eventsOut, this.model.results.length + dropped.results)
  }

  #call(name, promise, take = (value) => value) {
    const call = { name, got: undefined, want: undefined }
    this.calls.push(call)
    promise.then(
      (value) => {
        call.got = { value: take(value) }
      },
      (error) => {
        call.got = { error }
      },
    )
    return call
  }
}

describe('rules 5, 7, 8, 10, 11 and 12, step by step: a pulled stream is where the model is', () => {
  for (const name of names) {
    for (const eager of [false, true]) {
      test(`${name}, ${eager ? 'run' : 'a call'}`, { timeout: 600_000 }, async () => {
        const property = fc.asyncProperty(fc.array(pull, { maxLength: 30 }), async (steps) => {
          const run = async () => {
            const pulled = new Pulled(name, eager)
            await pulled.rest()
            for (const step of steps) {
              pulled.apply(step)
              await pulled.rest()
            }
            await pulled.finish()
          }
          await within(LIMIT, run(), 'the script')
        })
        await fc.assert(property, settings(1 / 4 / names.length))
      })
    }
  }
})

noUnhandledRejections('rule 16')
