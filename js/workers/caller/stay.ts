// The stay of a stream on one thread: it is opened there, told to leave, and known to be over.

import type { Stage, StageHost } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { VeloError } from '../../kit/errors.js'
import type { Outcome, StageRef, Thrown } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import type { TravelOptions, WorkerPlacement } from './placement.js'
import { placeStream } from './pool.js'
import type { Guest, WorkerThread } from './thread.js'
import type { Thrower } from './thrower.js'

/** Neighboring stages and the thread they got. */
export interface Place {
  thread: WorkerThread
  stages: [StageRef, ...StageRef[]]
}

/** A thread for each stage; neighbors on one thread are one guest there. */
export function choosePlaces(stages: readonly Stage[], first: number): Place[] {
  const places: Place[] = []
  for (const [offset, stage] of stages.entries()) {
    const { href, travel } = stage.placement as WorkerPlacement
    const ref = { href, exported: travel.exported, name: stage.name, index: first + offset }
    const thread = placeStream(places.map((place) => place.thread))
    const before = places.at(-1)
    if (before?.thread === thread) before.stages.push(ref)
    else places.push({ thread, stages: [ref] })
  }
  return places
}

/** How a stay is connected. */
export interface StayLink {
  events: number
  results: number
  /** Its events come from another thread. */
  fed: boolean
  /** Its results go to another thread. */
  spliced: boolean
  travel: TravelOptions
  tally: Tally
}

/** Whom a stay belongs to. */
export interface Host {
  stopped(stay: Stay): void
  orphaned(stay: Stay, error: VeloError): void
}

export class Stay implements Guest {
  readonly thread: WorkerThread
  isOver = false
  /** What a function threw whose results went to another thread, after that one had stopped listening. */
  failure: Failure | undefined
  private readonly number: number
  private readonly link: StayLink
  private readonly stages: [StageRef, ...StageRef[]]
  private readonly thrower: Thrower
  private readonly host: Host
  private told = false
  private ended: Promise<void> | undefined
  private onOver: (() => void) | undefined

  constructor(instance: StageHost, { thread, stages }: Place, link: StayLink, thrower: Thrower, host: Host) {
    const { codec, transfer } = link.travel
    const { name, buffer, closeTimeout } = instance.def.options
    this.thread = thread
    this.link = link
    this.stages = stages
    this.thrower = thrower
    this.host = host
    this.number = thread.admit(this)
    const { headers, declared } = instance.contextParts()
    try {
      thread.post({
        kind: 'open',
        stay: this.number,
        stages,
        id: instance.id,
        name,
        headers,
        context: declared,
        events: link.events,
        results: link.results,
        buffer,
        lockstep: !instance.mode.ahead,
        codec: typeof codec === 'string' ? codec : 'module',
        transfer,
        tally: { memory: link.tally.memory, first: link.tally.first },
        closeTimeout,
        fed: link.fed,
        spliced: link.spliced,
      })
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

  /** Whether a stage of the pipeline runs here. */
  has(index: number): boolean {
    return this.stages.some((stage) => stage.index === index)
  }

  /** Closed, or aborted with `thrown`; once. */
  leave(thrown: Thrown | undefined): void {
    if (this.told || this.isOver) return
    this.told = true
    this.thread.post({ kind: 'leave', stay: this.number, thrown })
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
    this.thread.bulk.forget(this.link.results)
    this.thread.release(this.number)
    this.onOver?.()
  }

  stopped(): void {
    this.host.stopped(this)
  }

  /** Its source was given back, or threw when it was: the function goes on. */
  released(failure?: Failure): void {
    const thrown = failure === undefined ? undefined : this.thrower.known(failure.error)
    if (!this.isOver) this.thread.post({ kind: 'released', stay: this.number, thrown })
  }

  finished({ thrown, left }: Outcome): void {
    if (this.isOver) return
    if (thrown !== undefined && left) this.failure = { error: this.thrower.catch(thrown) }
    this.over()
  }

  orphaned(error: VeloError): void {
    this.over()
    this.host.orphaned(this, error)
  }
}
