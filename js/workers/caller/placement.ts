// js/workers/caller: the caller's side of stages on worker threads; it begins with the reference to their function, where its module is and how its values travel. The function itself
// is never here, and neither is what does the work: that is loaded with the first such reference.
//
// Owns the threads and who gets one, what is sent to a stage and taken from it, and what becomes of a stream whose thread is lost. Knows nothing of what happens on
// the thread but what the wire says.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Input } from '../../engine/channels/input.js'
import type { InputOwner } from '../../engine/channels/owner.js'
import type { AnyGenerator, Placement, Remote, Stage, StageHost } from '../../engine/stages/stage.js'
import { VeloError } from '../../kit/errors.js'
import { late } from '../../kit/start/late.js'
import type { Reference, TravelOptions } from './travel.js'

/** What stands for a stage and its thread. */
export const remotes = late<typeof import('./remotes.js')>(() => new URL('./remotes.js', import.meta.url))

export class WorkerPlacement implements Placement, Reference {
  readonly href: string
  readonly travel: TravelOptions

  /** Throws `VELO_NATIVE_LOAD` where what does the work cannot be loaded: before a stream has taken anything. */
  constructor(href: string, travel: TravelOptions) {
    remotes()
    this.href = href
    this.travel = travel
  }

  input(owner: InputOwner): Input<unknown> {
    return new (remotes().RemoteInput)(owner)
  }

  /** Whether values go on from a stage here to one there without visiting the caller. */
  joins(next: Placement, schema: StandardSchemaV1 | undefined): boolean {
    if (!(next instanceof WorkerPlacement) || schema !== undefined) return false
    const { codec, transfer, onWorkerExit } = next.travel
    return codec === this.travel.codec && transfer === this.travel.transfer && onWorkerExit === this.travel.onWorkerExit
  }

  make(
    instance: StageHost,
    events: AsyncIterableIterator<unknown>,
    stages: readonly Stage[],
    first: number,
    last: boolean,
  ): AnyGenerator & Remote {
    return new (remotes().RemoteStage)(instance, events, stages, first, last)
  }
}

/** The address of a module, from what a user gives for one. */
export function moduleHref(module: unknown, field: string): string {
  const text = module instanceof URL ? module.href : module
  if (typeof text !== 'string' || !URL.canParse(text)) throw notAReference(field)
  return text
}

export function notAReference(field: string): VeloError {
  return new VeloError(
    'VELO_FUNCTION_REF',
    `${field}: placement 'worker' needs the URL of a module that exports the function, because a closure cannot travel to another thread. ` +
      "Move the function to a file and write streamFn(new URL('./file.js', import.meta.url), { placement: 'worker' })",
    { field },
  )
}
