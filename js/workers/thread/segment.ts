// A segment: neighboring functions of a stream on a worker thread. Runs their generator as far as results find room,
// and ends it. The thread that opened the stream decides when.

import { Life, LifeTrigger } from '../../engine/border/law.js'
import { moved } from '../../engine/border/life.js'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { BatchReader, type TransferReceiver } from '../codec/codec.js'
import { packReturned } from '../codec/graph/failure.js'
import { DuctReader } from '../wire/duct-reader.js'
import { asksAlong, HEADER, type OpenCommand, type Outcome, Pause, type StageRef, type Thrown } from '../wire/protocol.js'
import { Tally } from '../wire/tally.js'
import type { Transfers } from '../wire/transfers.js'
import { atTurnEnd } from '../wire/turn-end.js'
import { ThreadChain } from './chain.js'
import { ThreadContext } from './context.js'
import { ThreadEvents } from './events.js'
import type { Loaded } from './load.js'
import { ReceivedErrors } from './received-errors.js'
import { ThreadResults } from './results.js'
import { ThreadScope } from './scope.js'
import { nextTurn } from './turns.js'

/** Results yielded in a row while the stream unwinds, before the event loop gets a turn. */
const UNWIND_BURST = 64

export interface SegmentCalls {
  stopped(): void
  over(outcome: Outcome): void
}

/** Where its large and shared buffers come from, and go to. */
export interface SegmentWays {
  readonly from: Transfers
  readonly to: Transfers
}

export class ThreadSegment {
  private readonly command: OpenCommand
  private readonly ways: SegmentWays
  private readonly spin: number
  private readonly calls: SegmentCalls
  private readonly context: ThreadContext
  /** Large and shared buffers of its events. */
  private readonly incoming: TransferReceiver
  private events: ThreadEvents | null = null
  private results: ThreadResults | null = null
  private reader: DuctReader | null = null
  private readonly tally: Tally
  private chain: ThreadChain | null = null
  private generator: AnyGenerator | null = null
  /** Of the generator; only what is at rest is asked or told something. */
  private life: number = Life.NotStarted
  /** The result at whose `yield` the function is suspended, because there is no room. */
  private held: IteratorResult<unknown> | null = null
  /** The stream is closed or aborted. That moves no generator (one at work goes on until it rests, and is told to return then), so it is no part of its life. */
  private leaving = false
  private discarded = 0
  private returned: unknown
  private turning = false
  private readonly errors = new ReceivedErrors()
  private readonly scope: ThreadScope
  private onReleased: ((failure: Failure | undefined) => void) | undefined

  private readonly onResult = (result: IteratorResult<unknown>): void => {
    if (result.done === true) {
      this.returned = result.value
      return this.ended(undefined)
    }
    if (this.leaving) return this.unwanted()
    const results = this.results as ThreadResults
    if (results.hasRoom) return this.put(result)
    this.held = result
    this.move(LifeTrigger.Yield)
    this.tally.setPause(results.stage, Pause.Room)
    results.flush()
    this.turnEndsLater()
  }
  private readonly onThrow = (error: unknown): void => this.ended({ error })

  constructor(command: OpenCommand, ways: SegmentWays, spin: number, calls: SegmentCalls) {
    this.command = command
    this.ways = ways
    this.spin = spin
    this.calls = calls
    const { id, name, headers, context, tally } = command
    this.tally = new Tally(tally.first, tally.memory)
    this.scope = new ThreadScope(headers, command.harness?.isTraced === true ? command.segment : 0)
    this.context = new ThreadContext(id, name, headers, context, () => this.tally.isAborted(this.begin))
    this.incoming = ways.from.receiver(command.events)
  }

  /** Whether it is still wanted here, which is settled from now on: it begins, or never does. */
  get begins(): boolean {
    if (this.tally.begin()) return true
    this.ways.from.forget(this.command.events)
    return false
  }

  /** The functions are here. */
  start({ functions, codec }: Loaded): void {
    const { buffer } = this.command
    const asks = asksAlong(this.command)
    const lockstep = this.command.lockstep && !asks
    this.connect(codec)
    if (this.leaving) return this.ended(undefined)
    const reader = this.reader as DuctReader
    this.events = new ThreadEvents(reader, this, { lockstep, asks, buffer, spin: this.spin, tally: this.tally, index: this.begin })
    this.scope.run(this.begun, this, functions)
  }

  /** In the context that the stream brings. */
  private begun(functions: Loaded['functions']): void {
    try {
      this.chain = new ThreadChain(functions, this.events as ThreadEvents, this.context, {
        tally: this.tally,
        closeTimeout: this.command.closeTimeout,
      })
      this.generator = this.chain.generator
    } catch (error) {
      return this.ended({ error })
    }
    this.ask()
  }

  /** They cannot be loaded. */
  fail(error: unknown): void {
    this.connect('structured')
    this.ended({ error })
  }

  leave(thrown: Thrown | undefined): void {
    if (this.leaving || this.hasFinished) return
    this.leaving = true
    const failure = thrown === undefined ? undefined : { error: this.failureOf(thrown) }
    this.onReleased?.(undefined)
    this.events?.cut(failure)
    this.chain?.cut(failure)
    ThreadContext.fire(this.context, failure)
    if (this.held !== null) {
      this.held = null
      this.discarded++
    }
    // Before the start it ends when its module has been loaded.
    if (this.generator !== null && this.rests) this.scope.run(this.unwind, this, undefined)
  }

  /** The source was given back, or threw when it was. */
  released(thrown: Thrown | undefined): void {
    this.onReleased?.(thrown === undefined ? undefined : { error: this.failureOf(thrown) })
  }

  /** The generator of its last function. */
  get standing(): object | null {
    return this.generator
  }

  get isHeld(): boolean {
    return this.held !== null
  }

  dry(asks: boolean): void {
    this.results?.flush(asks)
  }

  turnEndsLater(): void {
    if (this.turning) return
    this.turning = true
    atTurnEnd(this)
  }

  turnEnds(): void {
    this.turning = false
    this.results?.flush()
    this.events?.report()
  }

  stopReading(): Promise<void> {
    if (this.leaving || this.hasFinished) return Promise.resolve()
    this.calls.stopped()
    return new Promise((resolve, reject) => {
      this.onReleased = (failure) => (failure === undefined ? resolve() : reject(failure.error))
    })
  }

  failureOf(payload: unknown): unknown {
    return this.errors.receive(((payload as Outcome).thrown ?? payload) as Thrown)
  }

  private connect(codec: Loaded['codec']): void {
    const { events, results } = this.command
    this.results = new ThreadResults(this.command, codec, this.ways.to.sender(results), this.tally, () =>
      this.scope.run(this.onRoom, this, undefined),
    )
    this.reader = new DuctReader(events, new BatchReader(codec, { reserve: HEADER, transfers: this.incoming }), () => this.events?.wake())
  }

  private move(input: number): void {
    this.life = moved(this.life, input)
  }

  /** No request of ours to the generator is under way, and it may be asked. */
  private get rests(): boolean {
    return this.life === Life.NotStarted || this.life === Life.Suspended
  }

  private get hasFinished(): boolean {
    return this.life >= Life.Releasing
  }

  /** Number of the first stage here. */
  private get begin(): number {
    return (this.command.stages[0] as StageRef).index
  }

  /** There may be credits for results. */
  private onRoom(): void {
    if (this.held !== null && this.results?.hasRoom === true) {
      const { held } = this
      this.held = null
      this.move(LifeTrigger.Ask)
      this.tally.setPause(this.results.stage, Pause.None)
      this.turnEndsLater()
      this.put(held)
    } else if (this.held === null) {
      this.ask()
    }
  }

  /** Asks the function on; in lockstep only when somebody wants a result, unless it goes on by itself. */
  private ask(): void {
    if (this.generator === null || this.leaving || !this.rests) return
    if (this.command.lockstep && !(this.results as ThreadResults).hasRoom) return
    this.move(LifeTrigger.Ask)
    this.generator.next().then(this.onResult, this.onThrow)
  }

  private put(result: IteratorResult<unknown>): void {
    const results = this.results as ThreadResults
    const generator = this.generator as AnyGenerator
    try {
      results.add(result.value)
    } catch (error) {
      // It cannot travel: the function may deal with that at its yield, and may try for ever.
      return nextTurn(() => void generator.throw(error).then(this.onResult, this.onThrow))
    }
    if (!results.goesOn) {
      this.move(LifeTrigger.Yield)
      return this.ask()
    }
    if (results.lingers()) return nextTurn(() => this.goOn())
    generator.next().then(this.onResult, this.onThrow)
  }

  /** The turn had lasted long enough: others had one meanwhile, and may have ended this stream. */
  private goOn(): void {
    if (!this.leaving) return void (this.generator as AnyGenerator).next().then(this.onResult, this.onThrow)
    this.move(LifeTrigger.Yield)
    this.unwind()
  }

  /** A result after the end of its stream. */
  private unwanted(): void {
    this.move(LifeTrigger.Yield)
    if (++this.discarded % UNWIND_BURST === 0) setImmediate(() => this.unwind())
    else this.unwind()
  }

  /** Tells the generator to return, once; when it yields in its `finally`, it is asked on. */
  private unwind(): void {
    const generator = this.generator as AnyGenerator
    const isTold = this.life === Life.Unwinding
    this.move(isTold ? LifeTrigger.Ask : LifeTrigger.Return)
    const step = isTold ? generator.next() : generator.return(undefined)
    step.then(this.onResult, this.onThrow)
  }

  /** The last function has finished; those before it get return(). */
  private ended(failure: Failure | undefined): void {
    this.move(LifeTrigger.End)
    this.onReleased?.(undefined)
    if (this.chain?.isLong !== true) return this.settle(failure)
    void this.chain.release().then((late) => this.settle(failure ?? late))
  }

  private settle(failure: Failure | undefined): void {
    this.move(LifeTrigger.Released)
    this.events?.cut(undefined)
    this.events?.report()
    const thrown = failure && this.errors.send(failure.error, this.chain?.stageOf(failure) ?? this.begin)
    const returned = thrown === undefined && this.command.spliced === 0 ? packReturned(this.returned) : undefined
    const outcome: Outcome = { discarded: this.discarded, left: this.leaving, thrown, returned }
    if (failure !== undefined) ThreadContext.fire(this.context, failure)
    this.results?.end(outcome, () => {
      this.reader?.part()
      this.ways.from.forget(this.command.events)
      this.calls.over(outcome)
    })
  }
}
