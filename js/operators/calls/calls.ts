// js/operators/calls: operators that call a function of the user, several at once, with retries and timeouts. Knows nothing of several inner streams.
//
// Calls beside each other: takes events while there is room, starts a task for each, and gives the results in order or as they come.
//
// Bounds: at most `concurrency` tasks under way, at most `concurrency + buffer` taken and not read. One task costs the same however many there are:
// the tasks are a linked list, the reader is one resolver; nothing is raced or searched.

import { AbortError, type StreamContext } from '../../index.js'
import { PUSH, type Pushing, type Sink } from '../../kit/iteration/push.js'
import { MARK, type Mark, type Marking } from '../../kit/marks.js'
import { capture, captured, endResult, type Resolve } from '../../kit/promises.js'
import { Iteration } from '../engine/iteration.js'
import { Task, type Work } from './task.js'

type Result = IteratorResult<unknown, unknown>

export class Calls extends Iteration<unknown> implements Pushing, Marking {
  readonly #work: Work
  readonly #events: AsyncIterator<unknown>
  readonly #ctx: StreamContext
  /** Tasks whose result was not read: ordered, all of them by event; else the finished ones as they finished. */
  #first: Task | null = null
  #final: Task | null = null
  /** How many are under way. */
  #running = 0
  /** Those of them that are in no list: they get into it as they finish. */
  readonly #unlisted: Set<Task> | null
  /** Tasks that have a result, or may get one. */
  #held = 0
  #index = 0
  /** Events taken, which tasks may stand for many of, and results given. */
  #taken = 0
  #given = 0
  /** From that event on none will be done: a task failed, or it stopped. */
  #undone = Infinity
  #readers: Resolve[] = []
  /** Takes the results by calls, in place of readers. */
  #sink: Sink | null = null
  /** An event was asked for and has not come. */
  #pulling = false
  #started = false
  /** No event is taken any more: the input is over, or a task failed. */
  #full = false
  /** The events ended or threw by themselves. */
  #spent = false
  #sourceError: { error: unknown } | null = null
  #over = false

  readonly #onEvent = (result: Result): void => {
    this.#pulling = false
    if (this.#over) return
    if (result.done === true) this.#spent = this.#full = true
    // A task failed while this one was on its way: as if it had not been pulled.
    else if (!this.#full) this.#begin(result.value)
    this.#deliver()
  }
  readonly #onThrow = (error: unknown): void => {
    this.#pulling = false
    this.#spent = this.#full = true
    if (this.#over) return
    this.#sourceError = { error }
    this.#deliver()
  }
  readonly #leave = (): void => this.#cancel()
  readonly #endSink = (): void => {
    const sink = this.#sink
    this.#sink = null
    sink?.ended()
  }

  constructor(work: Work, events: AsyncIterator<unknown>, ctx: StreamContext) {
    super()
    this.#work = work
    this.#events = events
    this.#ctx = ctx
    this.#unlisted = work.policy.ordered ? null : new Set()
  }

  next(): Promise<Result> {
    if (this.#over) return Promise.resolve(endResult())
    const promise = new Promise(capture) as Promise<Result>
    this.#readers.push(captured.resolve)
    this.#sink = null // whoever pulls has given it up
    this.#ask()
    return promise
  }

  [PUSH](sink: Sink): void {
    if (this.#over) return queueMicrotask(() => sink.ended())
    this.#sink = sink
    this.#ask()
  }

  /** Does not queue behind a next() that waits: that one is done at once. */
  async return(value?: unknown): Promise<Result> {
    this.#sink = null // it needs no word of that
    this.#cancel()
    await this.#giveBack()
    return endResult(await value)
  }

  /** Before the oldest one whose result was not given all are done. */
  [MARK](): Mark {
    let events = Math.min(this.#taken, this.#undone)
    if (this.#unlisted === null) events = Math.min(events, this.#first?.before ?? events)
    else {
      for (const task of this.#unlisted) events = Math.min(events, task.before)
      for (let task = this.#first; task !== null; task = task.next) events = Math.min(events, task.before)
    }
    return { results: this.#given, events, exact: this.#unlisted === null || events === this.#taken }
  }

  /** A task has settled. */
  settled(task: Task): void {
    this.#running--
    const unlisted = this.#unlisted
    unlisted?.delete(task)
    if (task.state === 'skipped') {
      this.#held--
      if (unlisted === null) this.#unlink(task)
    } else if (unlisted !== null) this.#link(task)
    if (task.state === 'failed') this.#failing(task)
    this.#deliver()
  }

  #ask(): void {
    if (!this.#started) {
      this.#started = true
      if (this.#ctx.signal.aborted) this.#cancel()
      else this.#ctx.signal.addEventListener('abort', this.#leave)
    }
    this.#deliver()
  }

  /** Takes events while there is room. */
  #pull(): void {
    const { concurrency, buffer } = this.#work.policy
    if (this.#pulling || this.#full || this.#running >= concurrency || this.#held >= concurrency + buffer) return
    if (buffer === 0 && this.#sink === null && this.#readers.length === 0) return
    this.#pulling = true
    this.#events.next().then(this.#onEvent, this.#onThrow)
  }

  #begin(event: unknown): void {
    const task = new Task(event, this.#index++, this.#work, this)
    task.before = this.#taken
    this.#taken += task.weight
    this.#held++
    this.#running++
    if (this.#unlisted === null) this.#link(task)
    else this.#unlisted.add(task)
    task.start()
  }

  /** Gives what is ready to whoever reads, and goes on. */
  #deliver(): void {
    while ((this.#sink !== null || this.#readers.length > 0) && !this.#over) {
      const task = this.#first
      if (task !== null && task.state !== 'under way') {
        this.#unlink(task)
        this.#held--
        if (task.state === 'failed') return this.#fail(task.value)
        this.#give(task.value)
      } else if (this.#full && this.#held === 0) {
        if (this.#sourceError !== null) return this.#fail(this.#sourceError.error)
        this.#finish()
      } else break
    }
    this.#pull()
  }

  #give(value: unknown): void {
    this.#given++
    const sink = this.#sink
    if (sink === null) this.#readers.shift()?.({ value, done: false })
    else if (!sink.value(value) && this.#sink === sink) this.#sink = null
  }

  /** Nothing that comes after `task` will be read: what comes before it will. */
  #failing(task: Task): void {
    this.#full = true
    this.#undone = Math.min(this.#undone, task.before)
    const reason = this.#reason()
    if (this.#unlisted === null) {
      for (let later = task.next; later !== null; later = later.next) this.#drop(later, reason)
    } else for (const other of [...this.#unlisted]) this.#drop(other, reason)
  }

  #drop(task: Task, reason: unknown): void {
    this.#undone = Math.min(this.#undone, task.before)
    if (this.#unlisted === null) this.#unlink(task)
    else this.#unlisted.delete(task)
    this.#held--
    if (task.state === 'under way') this.#running--
    task.cancel(reason)
  }

  /** Rejects with `error` itself once the events are given back. */
  #fail(error: unknown): void {
    this.#stop()
    const [reader] = this.#readers
    const sink = this.#sink
    this.#sink = null
    const reject = () => {
      if (sink !== null) return sink.threw(error)
      reader?.(Promise.reject(error))
      this.#endReaders(1)
    }
    this.#giveBack().then(reject, reject)
  }

  #finish(): void {
    this.#stop()
    this.#endReaders(0)
  }

  /** The results are not wanted any more. */
  #cancel(): void {
    if (this.#over) return
    this.#stop()
    this.#endReaders(0)
  }

  #stop(): void {
    this.#undone = this[MARK]().events
    this.#over = this.#full = true
    this.#ctx.signal.removeEventListener('abort', this.#leave)
    const unread = this.#first
    this.#first = this.#final = null
    if (this.#running === 0 && unread === null) return
    const reason = this.#reason()
    this.#running = 0
    for (const task of [...(this.#unlisted ?? [])]) task.cancel(reason)
    this.#unlisted?.clear()
    for (let task = unread; task !== null; task = task.next) task.cancel(reason)
  }

  #endReaders(from: number): void {
    // Whoever ends it here may not be through yet; and a sink that is at work may be about to refuse what comes.
    if (this.#sink !== null) queueMicrotask(this.#endSink)
    for (const reader of this.#readers.splice(0).slice(from)) reader(endResult())
  }

  async #giveBack(): Promise<void> {
    if (this.#spent) return
    this.#spent = true
    await this.#events.return?.()
  }

  #reason(): unknown {
    const { signal } = this.#ctx
    return signal.aborted ? signal.reason : new AbortError(`${this.#work.name}: the result of this call is not wanted any more`)
  }

  #link(task: Task): void {
    task.previous = this.#final
    if (this.#final === null) this.#first = task
    else this.#final.next = task
    this.#final = task
  }

  #unlink(task: Task): void {
    const { previous, next } = task
    if (previous === null) this.#first = next
    else previous.next = next
    if (next === null) this.#final = previous
    else next.previous = previous
  }
}
