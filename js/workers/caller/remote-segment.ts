// A segment, neighboring stages of one stream on one thread, as the caller knows it: it is opened there, told to leave, and known to be over.

import type { MessagePort } from 'node:worker_threads'
import type { Blame, Isolation } from '../../engine/stages/harness.js'
import type { Stage, StageHost } from '../../engine/stages/stage.js'
import { type Failure, VeloError } from '../../kit/errors.js'
import { type OpenCommand, type Outcome, Pause, type StageRef, type Thrown } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import { placeAlone, placeStream } from './pool.js'
import type { SentErrors } from './sent-errors.js'
import { referenceOf, type TravelOptions } from './travel.js'
import type { SegmentListener, WorkerThread } from './worker-thread.js'

/** Neighboring stages and the thread they got. */
export interface Place {
  thread: WorkerThread
  stages: [StageRef, ...StageRef[]]
}

/** A thread for each stage; neighbors on one thread are one segment there. An isolated stream has one for all of them. */
export function choosePlaces(stages: readonly Stage[], first: number, isolation: Isolation | undefined): Place[] {
  const alone = isolation?.isOver === false ? placeAlone(isolation) : undefined
  const places: Place[] = []
  for (const [offset, stage] of stages.entries()) {
    const { href, travel } = referenceOf(stage)
    const ref = { href, exported: travel.exported, name: stage.name, index: first + offset }
    const thread = alone ?? placeStream(places.map((place) => place.thread))
    const before = places.at(-1)
    if (before?.thread === thread) before.stages.push(ref)
    else places.push({ thread, stages: [ref] })
  }
  return places
}

/** How a segment is connected. */
export interface SegmentWiring {
  events: number
  results: number
  /** Number of the thread that its events come from, 0 for this one. */
  fed: number
  /** Number of the thread that its results go to, 0 for this one. */
  spliced: number
  travel: TravelOptions
  tally: Tally
}

/** Whom a segment belongs to. */
export interface SegmentOwner {
  stopped(segment: RemoteSegment): void
  /** One that was told to leave has ended, or does something of its own first. */
  heard(): void
  orphaned(segment: RemoteSegment, error: VeloError, blame: Blame): void
  stalled(segment: RemoteSegment): void
}

export class RemoteSegment implements SegmentListener {
  readonly thread: WorkerThread
  isOver = false
  /** It waited for an event when its thread died. */
  hasWaited = false
  /** What a function threw whose results went to another thread, after that one had stopped listening. */
  failure: Failure | undefined
  /** Its number on its thread. */
  readonly number: number
  private readonly wiring: SegmentWiring
  private readonly stages: [StageRef, ...StageRef[]]
  private readonly errors: SentErrors
  private readonly owner: SegmentOwner
  private told = false
  private lingering = false
  private ended: Promise<void> | undefined
  private onOver: (() => void) | undefined

  constructor(instance: StageHost, { thread, stages }: Place, wiring: SegmentWiring, errors: SentErrors, owner: SegmentOwner) {
    const { codec, transfer } = wiring.travel
    const { name, buffer, closeTimeout } = instance.def.options
    this.thread = thread
    this.wiring = wiring
    this.stages = stages
    this.errors = errors
    this.owner = owner
    this.number = thread.admit(this)
    const { headers, declared } = instance.contextParts()
    const departure = instance.harness?.departure()
    const command: OpenCommand = {
      kind: 'open',
      segment: this.number,
      stages,
      id: instance.id,
      name,
      headers,
      context: declared,
      events: wiring.events,
      results: wiring.results,
      buffer,
      lockstep: instance.mode.ahead === 0,
      codec: typeof codec === 'string' ? codec : 'module',
      transfer,
      tally: { memory: wiring.tally.memory, first: wiring.tally.first },
      closeTimeout,
      fed: wiring.fed,
      spliced: wiring.spliced,
      harness: departure && {
        module: departure.module,
        data: departure.data,
        stages: instance.def.stages.length,
        isTraced: departure.isTraced === true,
      },
    }
    try {
      thread.post(command, departure?.transfer as MessagePort[] | undefined)
    } catch (cause) {
      this.isOver = true
      thread.release(this.number)
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new VeloError('VELO_CODEC', `open(options): headers and context must be what structured clone can copy: ${why}`, {
        field: 'open(options).headers',
        streamId: instance.id,
        cause,
      })
    }
  }

  /** Number of its first stage. */
  get begin(): number {
    return this.stages[0].index
  }

  /** Whether it has several stages. */
  get isLong(): boolean {
    return this.stages.length > 1
  }

  /** Whether a stage of the pipeline runs here. */
  has(index: number): boolean {
    return this.stages.some((stage) => stage.index === index)
  }

  /** Closed, or aborted with `thrown`; once. */
  leave(thrown: Thrown | undefined): void {
    if (this.told || this.isOver) return
    this.told = true
    for (const { index } of this.stages) this.wiring.tally.abort(index)
    this.thread.watch(this.number)
    this.thread.post({ kind: 'leave', segment: this.number, thrown })
  }

  /** Nobody reads its results any more: its end is told otherwise. */
  unread(): void {
    if (!this.isOver && this.wiring.spliced === 0) this.thread.post({ kind: 'tell', segment: this.number })
  }

  /** It was told to leave, and has not said yet whether it goes at once. */
  get isLeaving(): boolean {
    return this.told && !this.isOver && !this.lingering
  }

  /** Settles when the function has finished. */
  whenOver(): Promise<void> {
    if (this.isOver) return Promise.resolve()
    this.ended ??= new Promise((resolve) => void (this.onOver = resolve))
    return this.ended
  }

  /** The function has finished. */
  over(): void {
    if (this.isOver) return
    this.isOver = true
    this.thread.transfers.forget(this.wiring.results)
    this.thread.release(this.number)
    this.onOver?.()
    if (this.told && !this.lingering) this.owner.heard()
  }

  stopped(): void {
    this.owner.stopped(this)
  }

  /** Its source was given back, or threw when it was: the function goes on. */
  released(failure?: Failure): void {
    const thrown = failure === undefined ? undefined : this.errors.send(failure.error)
    if (!this.isOver) this.thread.post({ kind: 'released', segment: this.number, thrown })
  }

  finished({ thrown, left }: Outcome): void {
    if (this.isOver) return
    if (thrown !== undefined && left) this.failure = { error: this.errors.receive(thrown) }
    this.over()
  }

  lingers(): void {
    if (!this.isLeaving) return
    this.lingering = true
    this.owner.heard()
  }

  stalled(): void {
    this.owner.stalled(this)
  }

  /** Some function here works on an event, or has not begun: its module may be what ends the thread. */
  get isWorking(): boolean {
    const { tally } = this.wiring
    if (this.isOver || tally.pause(this.begin) === Pause.Room) return false
    return !tally.hasBegun || this.stages.some(({ index }) => tally.pause(index) === Pause.None)
  }

  /** Events that its first function has taken. */
  get taken(): number {
    return this.wiring.tally.taken(this.begin)
  }

  orphaned(error: VeloError, blame: Blame): void {
    this.hasWaited = !this.isWorking
    this.over()
    this.owner.orphaned(this, error, blame)
  }
}
