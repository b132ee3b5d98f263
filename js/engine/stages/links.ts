// The stages of a pipeline as a whole, and what lies between them: they are cut and released together, and each can be named and counted.

import type { Failure } from '../../kit/errors.js'
import { silence } from '../../kit/promises.js'
import { thread } from '../../kit/start/thread.js'
import type { StageMetrics } from '../../kit/types.js'
import type { AnyGenerator, Link, Remote, Standing } from './stage.js'
import type { StreamCounts } from './stage-counts.js'

/** A stage, or neighboring ones on other threads. */
export interface Unit {
  readonly name: string
  readonly remote: Remote | undefined
  readonly generator: AnyGenerator
}

function nameOf(unit: Unit | undefined): string | undefined {
  return unit?.remote?.stageOf() ?? unit?.name
}

export class Links {
  private readonly links: readonly Link[]
  private readonly units: readonly Unit[]

  constructor(links: readonly Link[], units: readonly Unit[]) {
    this.links = links
    this.units = units
  }

  cut(failure: Failure | undefined): void {
    for (const link of this.links) link.cut(failure)
  }

  /** What a stage threw after the stage that reads it had stopped listening. */
  unheard(): Failure | undefined {
    for (const link of this.links) {
      const unheard = link.unheard()
      if (unheard !== undefined) return unheard
    }
    return undefined
  }

  /** Returns the stages before the last one; what is worth waiting for, with `patient` also what still runs. */
  release(patient: boolean): PromiseLike<unknown>[] {
    const releases: PromiseLike<unknown>[] = []
    for (const link of this.links) {
      link.cut(undefined)
      const release = link.release(patient)
      if (release !== undefined) releases.push(silence(Promise.resolve(release)))
    }
    return releases
  }

  /** What each stage has taken and given; `events` were given to the first, `results` came out of the last. */
  metrics(events: number, results: number): StageMetrics[] {
    return this.units.flatMap((unit, index) => {
      if (unit.remote !== undefined) return unit.remote.stageMetrics()
      const eventsIn = this.links[index - 1]?.passed ?? events
      const eventsOut = this.links[index]?.passed ?? results
      return [{ name: unit.name, thread: thread(), eventsIn, eventsOut }]
    })
  }

  /** The same, into the counts of the stream. */
  count(counts: StreamCounts, events: number, results: number): void {
    let stage = 0
    for (const [index, { remote }] of this.units.entries()) {
      if (remote === undefined) counts.upTo(stage++, this.links[index - 1]?.passed ?? events, this.links[index]?.passed ?? results)
      else for (const { eventsIn, eventsOut } of remote.stageMetrics()) counts.upTo(stage++, eventsIn, eventsOut)
    }
  }

  /** Whether no stage is known to work while the one that feeds it waits. */
  get areAsked(): boolean {
    return this.links.every(({ isAsked }) => isAsked !== false)
  }

  /** What the last stage does that does not wait for an event, and whether it is the last one of all; `undefined`: all of them wait. `isAsked`: the first one does. */
  stands(isAsked: boolean): (Standing & { isLast: boolean }) | undefined {
    let isUnknown = false
    for (let at = this.units.length - 1; at >= 0; at--) {
      const { name, remote } = this.units[at] as Unit
      if (remote !== undefined) {
        const standing = remote.stands()
        if (standing.waits !== 'event') return { ...standing, isLast: at === this.units.length - 1 }
        continue
      }
      const waits = at === 0 ? isAsked : (this.links[at - 1]?.isAsked ?? this.units[at - 1]?.remote?.isAsked)
      // It is known of the first of these stages only whether it waits: then all of them do.
      if (waits === false) return { stage: isUnknown ? undefined : name, waits: undefined, isLast: false }
      isUnknown = waits === undefined
    }
    return undefined
  }

  /** The stage at which a stream stands that is at work: not one that waits for the stage before it. */
  async standing(): Promise<Unit | undefined> {
    let at = this.units.length - 1
    while (at > 0 && (await this.waits(at))) at--
    return this.units[at]
  }

  private async waits(at: number): Promise<boolean> {
    const remote = this.units[at]?.remote
    return remote === undefined ? (await this.links[at - 1]?.waits()) === true : remote.stands().waits === 'event'
  }

  /** Name of the first stage that threw `error`. */
  async stageOf(error: unknown): Promise<string | undefined> {
    for (const [index, link] of this.links.entries()) {
      const thrown = await link.thrown()
      if (thrown !== undefined && Object.is(thrown.error, error)) return nameOf(this.units[index])
    }
    return nameOf(this.units.at(-1))
  }
}
