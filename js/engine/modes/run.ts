// `run(source)`: the source is pulled, the results are collected, one promise tells the outcome.

import type { Failure } from '../../kit/errors.js'
import { canPush, PUSH, type Sink } from '../../kit/iteration/push.js'
import { capture, captured, type Resolve, rejectWith } from '../../kit/promises.js'
import { State } from '../border/law.js'
import type { Row } from '../border/row.js'
import { waitBegins, waitEnds } from '../border/wakefulness.js'
import type { Definition } from '../definition.js'
import type { Driver } from '../driver.js'
import type { AnyGenerator } from '../stages/stage.js'
import { PulledMode } from './pulled.js'

export class RunMode extends PulledMode implements Sink {
  readonly direct = true
  readonly holdsResults = false
  readonly hasUnread = false
  readonly outcome: Promise<unknown[]>
  private readonly row: Row
  private readonly driver: Driver
  /** The last stage runs on another thread. */
  private readonly lastIsRemote: boolean
  private readonly results: unknown[] = []
  private readonly resolve: Resolve
  private isTold = false

  readonly onResult = (result: IteratorResult<unknown>): void => {
    if (result.done === true || this.row.state >= State.Closing) return this.driver.lastResult(result)
    this.take(result.value)
    if (this.lastIsRemote) this.takeMore()
    this.driver.pump()
  }

  constructor(def: Definition, source: unknown, signal: AbortSignal | undefined) {
    super(def, source, def.options.buffer, { signal })
    const { instance } = this
    this.row = instance.row
    this.driver = instance.driver
    this.lastIsRemote = def.stages.at(-1)?.placement !== undefined
    this.outcome = new Promise(capture) as Promise<unknown[]>
    this.resolve = captured.resolve
    if (instance.timed) waitBegins()
    if (!instance.begin()) this.driver.start()
  }

  /** Whether its caller still waits for the outcome. */
  get isAwaited(): boolean {
    return !this.isTold
  }

  /** Sink of a generator that can push. */
  value(value: unknown): boolean {
    if (this.row.state >= State.Closing) {
      // Ended by the function itself, on its way to this result.
      this.driver.lastResult({ value, done: false })
      return false
    }
    this.take(value)
    return true
  }

  ended(): void {
    this.driver.lastResult({ value: undefined, done: true })
  }

  threw(error: unknown): void {
    this.driver.threw(error)
  }

  drive(generator: AnyGenerator): boolean {
    if (!canPush(generator)) return false
    generator[PUSH](this)
    return true
  }

  cut(failure: Failure | undefined): void {
    if (this.tells()) rejectWith(this.resolve, failure === undefined ? this.instance.closedError() : failure.error)
  }

  end(thrown: Failure | undefined): void {
    if (!this.tells()) return
    const failure = this.failureOf(thrown)
    if (failure !== undefined) rejectWith(this.resolve, failure.error)
    else this.resolve(this.results)
  }

  private take(value: unknown): void {
    this.row.yieldToReader()
    this.results.push(value)
  }

  /** Results of another thread come many at a time. */
  private takeMore(): void {
    const remote = this.driver.remotes.at(-1)
    if (remote === undefined) return
    for (let result = remote.take(); result !== null; result = remote.take()) this.take(result.value)
  }

  /** Whether its caller is still to be told the outcome; that happens once. */
  private tells(): boolean {
    if (this.isTold) return false
    this.isTold = true
    if (this.instance.timed) waitEnds()
    return true
  }
}
