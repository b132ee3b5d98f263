// Random scripts against one live stream: what they are made of, and how they are carried out on the stream and, beside it, on the model.

import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { turns, until } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { Seen, shapes } from './shapes.mjs'

export const RUNS = Number(process.env.VELO_MODEL_RUNS ?? 2400)
/** Within how many ms one script must be through, hang or not. */
export const LIMIT = 5_000

/** How fast-check goes about `share` of the runs; it stops looking for a shorter failure after a while, because each one that hangs takes LIMIT. */
export const settings = (share) => ({
  numRuns: Math.ceil(RUNS * share),
  timeout: 2 * LIMIT,
  interruptAfterTimeLimit: 60_000 + RUNS * 20,
  markInterruptAsFailure: true,
})

export const BUFFERS = [1, 2, 16, 256]

/** Whatever a function may throw arrives untouched. */
export const THROWN = [
  new Error('thrown by the function'),
  'a string',
  undefined,
  null,
  0,
  { code: 'VELO_CLOSED' },
  new RangeError('a range'),
]

export const MARKS = fc.oneof(
  { weight: 40, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.nat(THROWN.length - 1).map((which) => ({ throw: which })) },
  { weight: 1, arbitrary: fc.constant('return') },
)

const op = (weight, name, fields = {}) => ({ weight, arbitrary: fc.record({ op: fc.constant(name), ...fields }) })
const marks = (maxLength) => fc.array(MARKS, { minLength: 1, maxLength })

/** One step of a script. `rest` says whether everything may come to rest after it. */
export const step = (rest = fc.constant(true)) =>
  fc.oneof(
    ...[
      op(20, 'send', { marks: marks(3), signal: fc.boolean() }),
      op(3, 'flood', { count: fc.integer({ min: 10, max: 40 }) }),
      op(8, 'trySend', { marks: marks(3) }),
      op(8, 'sendBatch', { marks: fc.array(MARKS, { maxLength: 20 }) }),
      op(20, 'recv', { count: fc.integer({ min: 1, max: 4 }), signal: fc.boolean() }),
      op(8, 'recvBatch', { max: fc.integer({ min: 1, max: 20 }) }),
      op(4, 'next', { count: fc.integer({ min: 1, max: 4 }), iterator: fc.constantFrom(0, 0, 0, 1) }),
      op(8, 'go'),
      op(3, 'cancel', { which: fc.nat(7) }),
      op(1, 'return'),
      op(2, 'end'),
      op(1, 'close'),
      op(1, 'abort'),
    ].map(({ weight, arbitrary }) => ({ weight, arbitrary: fc.tuple(arbitrary, rest).map(([it, rests]) => ({ ...it, rest: rests })) })),
  )

/** One step of a script for a stream that waits in line for its place. */
export const waitingStep = fc.oneof({ weight: 12, arbitrary: step(fc.boolean()) }, op(1, 'admit', { rest: fc.boolean() }))

export const finale = fc.constantFrom('drain', 'close', 'abort')

/** One stream, what was asked of it, and what came of it. */
export class Script {
  seen = new Seen()
  calls = []
  /** Results read, in the order of the reads. */
  read = []
  /** Events given to send, in that order. */
  sent = []
  iterators = []
  ends = []
  stream
  model
  #before
  #n = 0
  #reason = new Error('the reason of an abort')

  constructor(name, options, model) {
    const fn = streamFn(shapes[name].fn(this.seen), { name, ...options })
    // With a line, another stream has the one place there is, until `admit`.
    if (options.queue > 0) this.#before = fn.open()
    this.stream = fn.open()
    this.model = model
    this.iterators = [this.stream[Symbol.asyncIterator](), this.stream[Symbol.asyncIterator]()]
    for (let i = 0; i < 2; i++) void this.stream.closed.then((end) => this.ends.push(end))
  }

  apply(step) {
    this[step.op](step)
  }

  send({ marks, signal }) {
    for (const mark of marks) {
      const event = this.#event(mark)
      const stop = signal ? new AbortController() : undefined
      const call = this.#call('send', this.stream.send(event, stop && { signal: stop.signal }), { stop, size: 1 })
      this.model?.send(call, [event])
    }
  }

  flood({ count }) {
    this.send({ marks: Array(count).fill(null), signal: false })
  }

  trySend({ marks }) {
    for (const mark of marks) {
      const event = this.#event(mark)
      const call = this.#settled('trySend', this.stream.trySend(event), { size: 1 })
      this.model?.trySend(call, event)
    }
  }

  sendBatch({ marks }) {
    const events = marks.map((mark) => this.#event(mark))
    const call = this.#call('sendBatch', this.stream.sendBatch(events), { size: events.length })
    this.model?.send(call, events)
  }

  recv({ count, signal }) {
    for (let i = 0; i < count; i++) {
      const stop = signal ? new AbortController() : undefined
      const reads = this.stream.recv(stop && { signal: stop.signal })
      const call = this.#call('recv', reads, { stop, take: (value) => this.#took([value])[0] })
      this.model?.recv(call)
    }
  }

  recvBatch({ max }) {
    const call = this.#call('recvBatch', this.stream.recvBatch(max), { take: (values) => this.#took(values) })
    this.model?.recvBatch(call, max)
  }

  next({ count, iterator }) {
    const take = ({ value, done }) => ({ value: done ? value : this.#took([value])[0], done })
    for (let i = 0; i < count; i++) {
      const call = this.#call('next', this.iterators[iterator].next(), { take, iterator })
      this.model?.next(call, iterator)
    }
  }

  return() {
    const call = this.#call('return', this.iterators[0].return())
    this.model?.close(call, { value: undefined, done: true })
  }

  go() {
    this.seen.go()
    this.model?.go()
  }

  cancel({ which }) {
    const pending = this.calls.filter((call) => call.got === undefined && call.stop !== undefined)
    const call = pending[which % Math.max(1, pending.length)]
    if (call === undefined) return
    call.stop.abort(this.#reason)
    this.model?.cancel(call)
  }

  end() {
    this.stream.end()
    this.model?.end()
  }

  admit() {
    void this.#before?.close()
  }

  close() {
    const call = this.#call('close', this.stream.close())
    this.model?.close(call, undefined)
  }

  abort() {
    this.stream.abort(this.#reason)
    this.model?.abort()
  }

  /** Lets everything come to rest; then the stream is where the model is. */
  async rest() {
    await turns(2)
    if (this.model === undefined) return
    this.model.settle()
    this.model.check()
    this.compare()
  }

  compare() {
    const { model, seen } = this
    for (const [index, call] of this.calls.entries()) {
      const what = `call ${index}, ${call.name}`
      if (call.want === undefined) assert.equal(call.got, undefined, `${what} is to wait`)
      else assert.ok(call.got !== undefined && agrees(call.got, call.want), `${what}: ${show(call.got)} instead of ${show(call.want)}`)
    }
    const { eventsIn, eventsOut, dropped } = this.stream.metrics
    assert.deepEqual(
      { state: this.stream.state, taken: seen.events.length, eventsIn, eventsOut, dropped },
      { state: model.state, taken: model.delivered, eventsIn: model.accepted.length, eventsOut: model.yielded, dropped: model.dropped },
    )
  }

  /** Nothing that was promised depends on timing: order and bounds hold at any moment (1, 4). */
  checkNow(buffer) {
    const { eventsIn, dropped } = this.stream.metrics
    // One more may be on its way to a function that waited for it.
    assert.ok(eventsIn - dropped.events - this.seen.events.length <= buffer + 1, 'too many events wait')
  }

  /** The end of the script: the stream ends in one way or another, and everything it owes is settled. */
  async finish(how) {
    if (how === 'close') this.close()
    else if (how === 'abort') this.abort()
    else this.end()
    this.admit()
    await this.rest()
    for (let round = 0; this.stream.state !== 'closed' || this.#unread > 0; round++) {
      assert.ok(round < 500, `the stream does not end: ${this.stream.state}, ${this.#unread} unread`)
      if (this.seen.gates.length > 0) this.go()
      else if (this.stream.state !== 'closing') this.#readOn()
      await this.rest()
    }
    this.#readOn()
    await this.rest()
    return this.verify()
  }

  /** Nobody sends any more: the stream ends by itself. Says whether it had to be idleness. */
  async fallSilent() {
    let waits = false
    for (let round = 0; this.stream.state !== 'closed' || this.#unread > 0; round++) {
      assert.ok(round < 500, 'the stream does not end')
      if (this.seen.gates.length > 0) this.go()
      else if (this.#unread > 0) this.#readOn()
      else await until(2000, () => this.seen.gates.length > 0 || this.#unread > 0 || this.stream.state === 'closed', 'idleness')
      await turns(2)
      waits ||= this.stream.state === 'open' && this.seen.gates.length === 0 && this.#unread === 0
    }
    this.#readOn()
    await turns(2)
    return waits
  }

  /** What holds in every run, whatever the model says. */
  async verify() {
    const { stream, seen } = this
    const end = await within(1000, stream.closed, 'closed')
    assert.equal(stream.state, 'closed')
    assert.deepEqual(this.ends, [end, end], 'closed resolves once, with one thing')
    assert.ok(['done', 'closed', 'idle', 'aborted', 'failed'].includes(end.reason), end.reason)
    assert.equal(end.detached, false)
    for (const [index, call] of this.calls.entries()) assert.ok(call.got !== undefined, `call ${index}, ${call.name}, never settled`)

    const { eventsIn, eventsOut, dropped } = stream.metrics
    assert.deepEqual(end.dropped, dropped)
    assert.equal(eventsIn, seen.events.length + dropped.events, 'accepted = delivered + dropped')
    assert.equal(eventsOut, this.read.length + dropped.results, 'yielded = read + dropped')
    assert.ok(
      this.read.every((result, index) => result === seen.results[index]),
      'results are read in the order of their yield, untouched',
    )
    const order = seen.events.map((event) => event.n)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      'events come in the order of their send',
    )
    assert.equal(new Set(order).size, order.length, 'no event comes twice')
    assert.ok(
      seen.events.every((event) => event === this.sent[event.n]),
      'events come untouched',
    )

    const accepted = this.calls.reduce((sum, call) => sum + acceptedBy(call), 0)
    assert.equal(eventsIn, accepted, 'what send says is accepted, is')
    return end
  }

  get #unread() {
    const { eventsOut, dropped } = this.stream.metrics
    return eventsOut - this.read.length - dropped.results
  }

  #readOn() {
    const reads = this.calls.findLast((call) => call.name === 'next' && call.got?.error?.code !== 'VELO_LOCKED')
    if (reads !== undefined) this.next({ count: 3, iterator: this.model?.holder ?? this.#holder })
    else this.recv({ count: 3, signal: false })
  }

  /** Without a model: the iterator that was not refused. */
  get #holder() {
    return this.calls.find((call) => call.name === 'next' && call.got?.error?.code !== 'VELO_LOCKED')?.iterator ?? 0
  }

  #event(mark) {
    const event = { n: this.#n++, mark: mark?.throw === undefined ? mark : 'throw', error: THROWN[mark?.throw] }
    this.sent.push(event)
    return event
  }

  #took(results) {
    this.read.push(...results)
    return results.map((result) => result.key)
  }

  #call(name, promise, { stop, iterator, take = (value) => value, size = 0 } = {}) {
    const call = { name, stop, iterator, size, got: undefined, want: undefined }
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

  #settled(name, value, { size }) {
    const call = { name, size, got: { value }, want: undefined }
    this.calls.push(call)
    return call
  }
}

function acceptedBy({ name, size, got }) {
  if (size === 0) return 0
  if (name === 'trySend') return got.value ? size : 0
  return 'value' in got ? size : (got.error.accepted ?? 0)
}

export function agrees(got, want) {
  if ('any' in want) return want.any.some((one) => agrees(got, one))
  if ('value' in want) return 'value' in got && isDeepStrictEqual(got.value, want.value)
  if (!('error' in got)) return false
  if ('error' in want) return Object.is(got.error, want.error)
  const { error } = got
  if (!(error instanceof Error) || error.code !== want.code) return false
  if ('accepted' in want && error.accepted !== want.accepted) return false
  return !('cause' in want) || Object.is(error.cause, want.cause)
}

export function show(outcome) {
  if (outcome === undefined) return 'nothing'
  if ('any' in outcome) return outcome.any.map(show).join(' or ')
  if ('code' in outcome) return `${outcome.code}${'accepted' in outcome ? ` (${outcome.accepted} accepted)` : ''}`
  if ('error' in outcome) return `${outcome.error?.code ?? outcome.error} thrown`
  return JSON.stringify(outcome.value) ?? 'undefined'
}
