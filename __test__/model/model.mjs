// A live stream as the rules tell it, in plain code: lists, a state and a function that is a list of actions. It knows nothing of promises:
// `settle()` says where everything rests once nothing can move any more. Numbers in comments are those of the rules (docs/rules.md).

import assert from 'node:assert/strict'

const LINE = 16

/** Outcomes of calls. */
const value = (it) => ({ value: it })
const refused = (code, more = {}) => ({ code, ...more })
const thrown = (error) => ({ error })

/** What a read of any kind meets at the end. */
const ENDS = [refused('VELO_CLOSED'), value({ value: undefined, done: true }), value([])]

/** Stands for the AbortError of the stream. */
export const ABORT = Symbol('abort')

export class Model {
  state = 'open'
  reason
  error
  /** Events, oldest first. */
  accepted = []
  waiting = []
  delivered = 0
  line = []
  /** Keys of results, oldest first. */
  results = []
  yielded = 0
  read = 0
  readers = []
  dropped = { events: 0, results: 0 }
  /** Iterator that reads, until the end (15). */
  holder

  #plan
  #buffer
  /** unstarted, asking (for an event), running, suspended (at a yield), awaiting (something of its own), over. */
  #mode = 'unstarted'
  /** What the suspended `yield` holds while the output channel is full. */
  #held = []
  #todo = []
  #leaving = false
  #returned = false
  #ended = false
  #cut = false
  #aborted = false
  #abortSeen = false
  #closeReason
  /** For the next read, once. */
  #failure
  #closes = []
  /** A call that came after the stream had been left already: what a read meets first is not said. */
  #vague = false

  constructor(shape, buffer) {
    this.#plan = shape.plan()
    this.#buffer = buffer
  }

  get isOver() {
    return this.#mode === 'over'
  }

  get isWaiting() {
    return this.#mode === 'asking' || this.#mode === 'unstarted'
  }

  // The calls.

  send(call, events) {
    if (this.#inputIsOver) return this.#refuseSend(call, 0)
    let at = 0
    if (this.line.length === 0) while (at < events.length && this.#hasRoom) this.#accept(events[at++])
    if (at === events.length && this.line.length === 0) call.want = value(undefined)
    else if (this.line.length >= Math.max(this.#buffer, LINE))
      call.want = refused('VELO_OVERRUN') // 4
    else this.line.push({ call, events, at })
  }

  trySend(call, event) {
    const free = !this.#inputIsOver && this.line.length === 0 && this.#hasRoom // 4
    if (free) this.#accept(event)
    call.want = value(free)
  }

  recv(call) {
    if (this.#isLocked(call, undefined)) return
    if (this.readers.length === 0 && this.results.length > 0) call.want = value(this.#take())
    else if (this.readers.length === 0 && this.#outputIsOver) this.#tellEnd(call, 'value')
    else this.#read(call, 'value')
  }

  recvBatch(call, max) {
    if (this.#isLocked(call, undefined)) return
    call.max = max
    if (this.readers.length === 0 && this.results.length > 0) call.want = value(this.#takeMany(max))
    else if (this.readers.length === 0 && this.#outputIsOver) this.#tellEnd(call, 'batch')
    else this.#read(call, 'batch')
  }

  next(call, iterator) {
    if (this.holder !== iterator) {
      if (this.#isLocked(call, iterator)) return
      if (this.readers.length > 0) {
        call.want = refused('VELO_LOCKED') // 15
        return
      }
      this.holder = iterator
    }
    if (this.readers.length === 0 && this.results.length > 0) call.want = value({ value: this.#take(), done: false })
    else if (this.readers.length === 0 && this.#outputIsOver) this.#tellEnd(call, 'result')
    else this.#read(call, 'result')
  }

  /** A signal leaves the wait (nothing is lost by it). */
  cancel(call) {
    if (call.want !== undefined) return
    this.line = this.line.filter((send) => send.call !== call)
    this.readers = this.readers.filter((reader) => reader.call !== call)
    call.want = refused('VELO_ABORTED')
  }

  end() {
    if (this.state !== 'open') return
    this.state = 'ending'
    this.#ended = true // sends that wait came before it: they are still accepted
    if (this.#mode === 'unstarted') this.#begin() // 5
  }

  close(call, what) {
    call.done = what
    if (this.state === 'closed') {
      this.#dropResults()
      this.#vague ||= this.#failure !== undefined
      call.want = value(what)
      return
    }
    this.#closes.push(call)
    if (this.state === 'closing') {
      this.#vague ||= this.#failure !== undefined
      return
    }
    this.#leave('closed', undefined)
  }

  abort() {
    if (this.state === 'closed') {
      this.#dropResults()
      this.#vague ||= this.#failure !== undefined
    } else if (this.state !== 'closing') {
      this.#aborted = true
      this.#leave('aborted', ABORT)
    }
  }

  /** The gate the function waits at opens. */
  go() {
    if (this.#mode === 'awaiting') this.#mode = 'running'
  }

  /** Everything moves until nothing can. */
  settle() {
    while (this.#serve() || this.#admit() || this.#move());
  }

  /** What must hold whenever nothing moves (3, 4). */
  check() {
    assert.ok(this.waiting.length <= this.#buffer && this.results.length <= this.#buffer)
    assert.ok(this.readers.length === 0 || this.results.length === 0, 'a read waits although there are results')
    assert.equal(this.accepted.length, this.delivered + this.waiting.length + this.dropped.events)
    assert.equal(this.yielded, this.read + this.results.length + this.dropped.results)
  }

  // The input channel.

  get #hasRoom() {
    return this.waiting.length < this.#buffer
  }

  get #inputIsOver() {
    return this.#ended || this.#cut || this.state === 'closing' || this.state === 'closed'
  }

  #refuseSend(call, at) {
    const [ended, closed] = [refused('VELO_ENDED', { accepted: at }), refused('VELO_CLOSED', { accepted: at })]
    if (this.state !== 'ending') call.want = closed
    else call.want = this.#cut ? { any: [ended, closed] } : ended // both are true while the function leaves
  }

  #accept(event) {
    this.accepted.push(event)
    if (this.#mode === 'unstarted') this.#begin() // 5
    if (this.#mode === 'asking') this.#deliver(event)
    else this.waiting.push(event)
  }

  #deliver(event) {
    this.delivered++
    this.#todo = [...this.#plan.event(event)]
    this.#mode = 'running'
  }

  /** First come, first served. */
  #admit() {
    const [send] = this.line
    if (send === undefined || !this.#hasRoom) return false
    if (send.at < send.events.length) this.#accept(send.events[send.at++])
    if (send.at === send.events.length) {
      send.call.want = value(undefined)
      this.line.shift()
    }
    return true
  }

  #refuseLine(code) {
    for (const { call, at } of this.line) call.want = code === ABORT ? refused('VELO_ABORTED') : refused(code, { accepted: at })
    this.line = []
  }

  /** Nothing is delivered any more. */
  #cutInput(code) {
    this.#cut = true
    this.dropped.events += this.waiting.length
    this.waiting = []
    this.#refuseLine(code)
  }

  // The function.

  #begin() {
    this.#todo = [...(this.#plan.start?.() ?? [])]
    this.#mode = this.#todo.length > 0 ? 'running' : 'asking'
  }

  #move() {
    const closing = this.state === 'closing'
    if (this.#mode === 'suspended') {
      if (closing) return this.#giveReturn()
      if (!this.#place()) return false // 4
      this.#mode = 'running'
      return true
    }
    if (this.#mode === 'asking') {
      if (this.waiting.length > 0) this.#deliver(this.waiting.shift())
      else if (this.#aborted && !this.#abortSeen) {
        this.#abortSeen = true
        this.#todo = this.#plan.aborted?.() ?? [{ leave: { error: ABORT } }] // 8
        this.#mode = 'running'
      } else if (closing || this.#cut || (this.#ended && this.line.length === 0)) {
        this.#todo = [...(this.#plan.end?.() ?? []), { leave: {} }] // 6, 7
        this.#mode = 'running'
      } else return false
      return true
    }
    return this.#mode === 'running' && this.#act()
  }

  #act() {
    const action = this.#todo.shift()
    if (action === undefined) this.#mode = 'asking'
    else if (action.gate) this.#mode = 'awaiting'
    else if ('leave' in action) this.#exit(action.leave)
    else {
      this.#mode = 'suspended'
      this.#held = [action.give]
      if (this.state === 'closing') this.#dropHeld()
      else this.#place()
    }
    return true
  }

  /** The result in hand goes into the output channel, where there is room for it. */
  #place() {
    if (this.#held.length > 0 && this.results.length >= this.#buffer) return false
    this.yielded += this.#held.length
    this.results.push(...this.#held.splice(0))
    return true
  }

  #dropHeld() {
    this.yielded += this.#held.length
    this.dropped.results += this.#held.splice(0).length
  }

  /** return() at a yield, once; then it is asked on until it is through (7). */
  #giveReturn() {
    this.#mode = 'running'
    if (!this.#returned) {
      this.#returned = true
      this.#exit({})
    }
    return true
  }

  /** The function leaves: `for await` gives its input back, then `finally` runs. */
  #exit(outcome) {
    if (!this.#plan.deaf) this.#cutInput('VELO_CLOSED')
    if (this.#plan.last === undefined || this.#leaving) return this.#finish(outcome)
    this.#leaving = true
    this.#todo = [...this.#plan.last, { leave: outcome }]
    this.#mode = 'running'
  }

  #finish(outcome) {
    const closing = this.state === 'closing'
    const failed = 'error' in outcome && outcome.error !== ABORT
    this.#mode = 'over'
    this.state = 'closed'
    if (closing) this.reason = failed && this.#closeReason === 'closed' ? 'failed' : this.#closeReason
    else this.reason = failed ? 'failed' : 'done'
    if (this.reason === 'failed') this.error = { is: outcome.error }
    if (failed && !closing) this.#failure = thrown(outcome.error) // 10
    this.#cutInput('VELO_CLOSED')
    for (const call of this.#closes) call.want = closing && this.reason === 'failed' ? thrown(outcome.error) : value(call.done) // 7
    this.#closes = []
  }

  /** close() and abort(): every wait ends at once. */
  #leave(reason, error) {
    this.state = 'closing'
    this.#closeReason = reason
    this.#dropResults()
    this.#dropHeld()
    const waited = this.readers.length > 0
    for (const { call, kind } of this.readers) {
      if (error === ABORT) call.want = refused('VELO_ABORTED')
      else this.#tellDone(call, kind)
    }
    this.readers = []
    if (error === ABORT && !waited) this.#failure = refused('VELO_ABORTED')
    this.#cutInput(error ?? 'VELO_CLOSED')
    if (this.#mode === 'unstarted') this.#finish({})
  }

  // The output channel.

  get #outputIsOver() {
    return this.isOver || this.state === 'closing'
  }

  #take() {
    this.read++
    return this.results.shift()
  }

  #takeMany(max) {
    const taken = this.results.splice(0, max)
    this.read += taken.length
    return taken
  }

  #dropResults() {
    this.dropped.results += this.results.length
    this.results = []
  }

  /** Another reader holds it until the end (15). */
  #isLocked(call, iterator) {
    if (this.holder === undefined || this.holder === iterator) return false
    if (this.state === 'closing' || this.#vague) call.want = { any: [refused('VELO_LOCKED'), refused('VELO_ABORTED'), ...ENDS] }
    else if (!this.isOver || this.results.length > 0 || this.#failure !== undefined) call.want = refused('VELO_LOCKED')
    return call.want !== undefined
  }

  #read(call, kind) {
    this.readers.push({ call, kind })
    if (this.#mode === 'unstarted') this.#begin() // 5
  }

  /** Results go to the oldest read; at the end the failure goes to the first, the end to the others (10). */
  #serve() {
    const [reader] = this.readers
    if (reader === undefined) return false
    const { call, kind } = reader
    if (this.results.length === 0) {
      if (!this.#outputIsOver) return false
      this.#tellEnd(call, kind)
    } else if (kind === 'batch') {
      // How many a batch brings is the one thing left open: from 1 to what there is.
      const size = call.got?.value?.length ?? 0
      if (size === 0 || this.results.length < size) return false
      assert.ok(size <= call.max, 'a batch is larger than asked for')
      call.want = value(this.#takeMany(size))
    } else {
      call.want = value(kind === 'value' ? this.#take() : { value: this.#take(), done: false })
    }
    this.readers.shift()
    return true
  }

  #tellEnd(call, kind) {
    const failure = this.#failure
    this.#failure = undefined
    const vague = this.#vague
    if (failure === undefined) return this.#tellDone(call, kind)
    call.want = failure
    if (!vague) return
    this.#tellDone(call, kind)
    call.want = { any: [failure, call.want] }
  }

  #tellDone(call, kind) {
    const cause = this.error === undefined ? {} : { cause: this.error.is }
    call.want = kind === 'value' ? refused('VELO_CLOSED', cause) : value(kind === 'batch' ? [] : { value: undefined, done: true })
  }
}
