// Neighboring stages of a stream at work on worker threads: they get threads and events, are counted, and start anew on others when a thread is lost. Between
// stages on different threads the values do not come by here.
//
// Not here: who asks for their results, and what is made of their end (remote-stage.ts).

import type { Blame } from '../../engine/stages/harness.js'
import type { Stage, StageHost, Standing } from '../../engine/stages/stage.js'
import { type Failure, VeloError } from '../../kit/errors.js'
import type { StageMetrics } from '../../kit/types.js'
import type { DuctReader } from '../wire/duct-reader.js'
import { Pause } from '../wire/protocol.js'
import { Tally } from '../wire/tally.js'
import { type ConnectedStages, Connection, type ConnectionOwner } from './connection.js'
import { Feeder, type Wanting } from './feeder.js'
import { RemoteInput } from './remote-input.js'
import type { RemoteSegment } from './remote-segment.js'
import { Reopening, sendAgain } from './reopening.js'
import { SentErrors } from './sent-errors.js'
import { referenceOf } from './travel.js'

/** Whoever reads the results of the group. */
export interface GroupOwner extends Wanting {
  /** It wants further results. */
  readonly isReading: boolean
  /** The stages connect, for the first time or anew: how many results may come that nobody asked for. */
  connecting(): number
  /** Results come out of `reader` from now on. */
  connected(reader: DuctReader): void
  /** There may be results. */
  arrived(): void
  /** Nothing more comes: the stages cannot start, or are lost. */
  lost(error: unknown): void
}

export class StageGroup implements ConnectedStages, ConnectionOwner {
  readonly instance: StageHost
  readonly stages: readonly Stage[]
  readonly first: number
  tally: Tally
  readonly errors = new SentErrors()
  private readonly events: AsyncIterableIterator<unknown>
  private readonly owner: GroupOwner
  /** `null` before the start. */
  private connection: Connection | null = null
  private feeder: Feeder | null = null
  private readonly reopening = new Reopening()
  private ended = false

  constructor(instance: StageHost, events: AsyncIterableIterator<unknown>, stages: readonly Stage[], first: number, owner: GroupOwner) {
    this.instance = instance
    this.events = events
    this.stages = stages
    this.first = first
    this.owner = owner
    this.tally = Tally.of(first, stages.length)
  }

  /** Finds threads and lets events flow; again after a thread was lost, then with the events that no function has taken. */
  start(untaken: unknown[] = []): void {
    const { events, owner, errors } = this
    try {
      const connection = new Connection(this, owner.connecting(), this, this.connection?.reader)
      const { writer, reader } = connection
      this.connection = connection
      owner.connected(reader)
      sendAgain(writer, untaken, this.feeder)
      if (events instanceof RemoteInput) events.attach(writer, errors)
      else if (this.feeder === null) this.feeder = new Feeder(this.owner, this.instance.row, events, writer, errors, this.first === 0)
      else this.feeder.redirect(writer)
    } catch (error) {
      if (events instanceof RemoteInput) events.refuse({ error })
      return owner.lost(error)
    }
    this.feeder?.feed(this.connection?.asksAlong === true)
    this.feeder?.go()
  }

  /** Closed, or aborted with `failure`. */
  leave(failure: Failure | undefined): void {
    this.feeder?.stop()
    this.connection?.leave(failure === undefined ? undefined : this.errors.send(failure.error))
  }

  /** The last stage has ended by itself. */
  lastIsOver(): void {
    this.connection?.segments.at(-1)?.over()
  }

  /** Nothing further is sent or received. */
  end(): void {
    this.ended = true
    this.feeder?.stop()
    this.connection?.part()
  }

  /** Ends what still runs; a promise where that takes time. */
  release(): Promise<unknown> | undefined {
    this.feeder?.stop()
    return this.connection?.release()
  }

  /** There may be credits for events: user code makes them, in the context of whoever opened the stream. */
  onRoom(): void {
    this.instance.inScope(this.makeRoom, this)
  }

  /** In lockstep: a result is waited for from now on. */
  want(): void {
    this.feeder?.go()
  }

  /** In lockstep: the function waits for an event. */
  asked(): void {
    this.feeder?.asked()
  }

  private makeRoom(): void {
    if (this.events instanceof RemoteInput) this.events.open()
    else this.feeder?.go()
  }

  arrived(): void {
    this.owner.arrived()
  }

  /** A function stopped reading: what comes before it ends, and the source is given back. */
  async stopped(segment: RemoteSegment): Promise<void> {
    const connection = this.connection as Connection
    if (!connection.segments.includes(segment)) return segment.released()
    const before = connection.leaveBefore(segment)
    this.reopening.gaveBack = true
    this.feeder?.stop()
    let failure: Failure | undefined
    try {
      await this.events.return?.()
    } catch (error) {
      failure = { error }
    }
    await this.instance.bounded(before)
    segment.released(failure)
  }

  heard(): void {
    this.instance.leftElsewhere()
  }

  /** A segment was told to leave, and has not said yet whether it goes at once. */
  get isLeaving(): boolean {
    return this.connection?.isLeaving === true
  }

  /** A thread is gone. */
  orphaned(segment: RemoteSegment, error: VeloError, blame: Blame): void {
    if (this.ended || !this.connection?.segments.includes(segment)) return
    this.owner.arrived() // what was sent before
    const { onWorkerExit } = referenceOf(this.stages[0] as Stage).travel
    if (onWorkerExit === 'reopen' && this.owner.isReading && this.reopening.mayReopen(this.tally)) return this.reopen()
    const { id, harness, def } = this.instance
    const lost = new VeloError('VELO_WORKER_EXITED', `stream ${id}: its ${error.message}`, { streamId: id, cause: error.cause })
    const [first, last] = [segment.begin === 0, this.first + this.stages.length === def.stages.length]
    harness?.lost?.({ error: lost, last, blame, taken: segment.taken, first, isWaiting: segment.hasWaited })
    this.owner.lost(lost)
  }

  /** A thread does not answer: what has not begun there goes elsewhere. */
  stalled(segment: RemoteSegment): void {
    const { connection } = this
    if (this.ended || !this.owner.isReading || !connection?.segments.includes(segment) || !connection.recall(this.tally)) return
    this.move(() => connection.takeBack())
  }

  /** The functions start anew on other threads, with the events that were not taken. */
  private reopen(): void {
    const { connection } = this
    this.move(() => connection?.untaken() ?? [])
    connection?.leave(undefined)
  }

  private move(rescue: () => unknown[]): void {
    const { connection, tally } = this
    let untaken: unknown[]
    try {
      untaken = rescue()
    } catch (error) {
      return this.owner.lost(error)
    }
    this.feeder?.rebase(tally.taken(tally.first))
    connection?.part()
    this.recount()
    this.tally = tally.renewed()
    this.start(untaken)
  }

  /** The row is told at the end of a turn, which a thread that dies does not reach. */
  recount(): void {
    const { first, tally } = this
    if (first === 0) this.instance.row.deliveredTo(tally.total(first).taken)
  }

  /** Counts the events that were dropped on their way, at the end. */
  account(): void {
    if (this.first > 0) return
    this.recount()
    this.instance.row.dropUndelivered()
  }

  /** The last function waits for room that nobody makes. */
  get isHeld(): boolean {
    return this.connection?.isHeld(this) === true
  }

  /** Whether a function is at work, or something on its way that will set one to work, or arrive here. */
  get isBusy(): boolean {
    return this.feeder?.isAboutToPull === true || this.connection?.isBusy(this) === true
  }

  /** Thread of the first stage, once it has started. */
  get thread(): number {
    return this.connection?.segments[0]?.thread.number ?? 0
  }

  /** They do not end: is their thread stuck? */
  suspect(): void {
    this.connection?.suspect(this.instance.def.options.closeTimeout)
  }

  /** At which stage they stand: the last segment that does not wait for another one works; which of its stages does, where it has several, cannot be told. */
  stands(): Standing {
    const { stages, first, tally } = this
    this.recount()
    if (!tally.hasBegun) return { stage: undefined, waits: 'start' }
    const segments = [...(this.connection?.segments ?? [])].reverse()
    const works = segments.find(({ begin }) => tally.pause(begin) !== Pause.Event)
    if (works === undefined) return { stage: stages[0]?.name, waits: 'event' }
    const stage = works.isLong ? undefined : stages[works.begin - first]?.name
    return { stage, waits: tally.pause(works.begin) === Pause.Room ? 'reader' : undefined }
  }

  /** The number of a segment, and of its thread: of the one that stands there. */
  place(): { thread: number; segment: number } | undefined {
    const { tally } = this
    const segments = this.connection?.segments ?? []
    const segment = [...segments].reverse().find(({ begin }) => tally.pause(begin) === Pause.None)
    return segment && { thread: segment.thread.number, segment: segment.number }
  }

  /** What a function threw when nobody listened any more. */
  unheard(): Failure | undefined {
    return this.connection?.unheard()
  }

  bytes(): { in: number; out: number } {
    return this.connection?.bytes() ?? { in: 0, out: 0 }
  }

  stageMetrics(): StageMetrics[] {
    const { stages, first, tally } = this
    return stages.map(({ name }, index) => {
      const { taken: eventsIn, given: eventsOut } = tally.total(first + index)
      return { name, thread: this.connection?.threadOf(first + index) ?? 0, eventsIn, eventsOut }
    })
  }
}
