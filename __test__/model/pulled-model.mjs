// A pulled stream as the rules tell it: a source asked only when the function asks, a function that runs only when somebody reads. `eager` is
// `run`, which reads on its own. Numbers in comments are those of the rules (docs/rules.md).

import { ABORT } from './model.mjs'

const done = { value: { value: undefined, done: true } }

export class PulledModel {
  reads = []
  delivered = 0
  yielded = 0
  pulls = 0
  pulling = false
  /** The source ended, threw, or was given back. */
  spent = false
  returns = 0
  results = []
  isOver = false

  #plan
  #eager
  #mode = 'unstarted'
  #todo = []
  #leaving = false
  #returned = false
  #closing = false
  #aborted = false
  /** Events that `run` pulled before the function asked; one that comes after the end stays here. */
  #ahead = []
  #failureIn
  /** For the next read, once. */
  #failure
  #closes = []

  constructor(shape, eager) {
    this.#plan = shape.plan()
    this.#eager = eager
    if (eager) this.#begin()
  }

  next(call) {
    if (this.isOver || this.#closing) this.#tell(call)
    else {
      this.reads.push(call)
      if (this.#mode === 'unstarted') this.#begin() // 5
    }
  }

  give(event) {
    this.pulling = false
    this.#ahead.push(event)
  }

  endSource() {
    this.pulling = false
    this.spent = true
  }

  failSource(error) {
    this.endSource()
    if (!this.#closing) this.#failureIn = { error } // 11
  }

  go() {
    if (this.#mode === 'awaiting') this.#mode = 'running'
  }

  return(call) {
    if (this.isOver || this.#mode === 'unstarted') {
      this.isOver = true
      if (this.#failure !== undefined) this.#failure = { any: [this.#failure, done] }
      call.want = done
      return
    }
    this.#closes.push(call)
    // What the next read meets when somebody returns an aborted stream before it was told is not said.
    if (this.#failure !== undefined) this.#failure = { any: [this.#failure, done] }
    if (this.#closing) return
    this.#closing = true
    for (const read of this.reads.splice(0)) read.want = done // 7
  }

  abort() {
    if (this.isOver || this.#closing || this.#mode === 'unstarted') return
    this.#closing = true
    this.#aborted = true
    this.#failureIn = { error: ABORT }
    if (this.reads.length === 0) this.#failure = { code: 'VELO_ABORTED' } // 8
    for (const read of this.reads.splice(0)) read.want = { code: 'VELO_ABORTED' }
  }

  settle() {
    while (this.#move());
  }

  #begin() {
    this.#todo = [...(this.#plan.start?.() ?? [])]
    this.#mode = this.#todo.length > 0 ? 'running' : 'asking'
  }

  #move() {
    if (this.#mode === 'suspended') {
      if (this.#closing) return this.#giveReturn()
      if (this.reads.length === 0 && !this.#eager) return false // 5: lockstep
      this.#mode = 'running'
      return true
    }
    if (this.#mode === 'asking') {
      if (this.#ahead.length > 0 && !this.#closing) {
        this.delivered++
        this.#todo = [...this.#plan.event(this.#ahead.shift())]
      } else if (this.#failureIn !== undefined) {
        const failure = this.#failureIn
        this.#failureIn = undefined
        this.#todo = this.#plan.aborted?.() ?? [{ leave: failure }]
      } else if (this.#closing || this.spent) {
        this.#todo = [...(this.#plan.end?.() ?? []), { leave: {} }]
      } else {
        if (!this.pulling) this.pulls++
        this.pulling = true
        return false
      }
      this.#mode = 'running'
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
      this.yielded++
      this.#mode = 'suspended'
      if (this.#closing) return true
      this.results.push(action.give)
      if (!this.#eager) this.reads.shift().want = { value: { value: action.give, done: false } }
    }
    return true
  }

  #giveReturn() {
    this.#mode = 'running'
    if (!this.#returned) {
      this.#returned = true
      this.#exit({})
    }
    return true
  }

  #exit(outcome) {
    if (!this.#plan.deaf) this.#giveBack()
    if (this.#plan.last === undefined || this.#leaving) return this.#finish(outcome)
    this.#leaving = true
    this.#todo = [...this.#plan.last, { leave: outcome }]
    this.#mode = 'running'
  }

  /** Once, on early exit (11). */
  #giveBack() {
    if (this.spent) return
    this.spent = true
    this.returns++
  }

  #finish(outcome) {
    const failed = 'error' in outcome && outcome.error !== ABORT
    this.#mode = 'over'
    this.isOver = true
    this.#giveBack()
    if (failed && !this.#closing) this.#failure = { error: outcome.error } // 10
    for (const call of this.#closes) call.want = failed && !this.#aborted ? { error: outcome.error } : done // 7
    this.#closes = []
    for (const read of this.reads.splice(0)) this.#tell(read)
  }

  #tell(call) {
    call.want = this.#failure ?? done
    this.#failure = undefined
  }

  /** What `run` says of it: nothing yet, or an abort at once (8), or the outcome. */
  get outcome() {
    return this.isOver || this.#aborted ? (this.#failure ?? { value: this.results }) : undefined
  }
}
