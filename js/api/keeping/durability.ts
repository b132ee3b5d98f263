// js/api/keeping: the place of the option `durable` in a stream function. Knows nothing of journals.
//
// What a journal brings along for the option `durable`: durable streams are made by it, and nothing here knows how. The key is one of the whole process, so that several
// copies of this library agree.

import type { Definition } from '../../engine/definition.js'
import type { LeaseOptions } from '../../engine/lease.js'
import type { Stage } from '../../engine/stages/stage.js'
import type { Puller } from '../../kit/iteration/pulled.js'
import type { UnfinishedStream, ValueIterator } from '../../kit/types.js'
import type { Live } from '../live.js'

/** Key of what makes durable streams. */
export const DURABILITY: unique symbol = Symbol.for('velo-stream.durability') as never

/** A journal as the option `durable` takes it. */
export interface Durable {
  readonly [DURABILITY]: Durability
}

export interface Durability {
  /** The stages as bytes go through them. Throws `VELO_CONFIG` for options that do not go together with it. */
  stages(stages: readonly Stage[], options: Definition['options']): readonly Stage[]
  /** Opens a stream. Throws OverloadedError. */
  open(def: Definition, options: LeaseOptions, puller: Puller | undefined): Live
  /** All results of a source, or of one that begins where a stream was. */
  run(def: Definition, source: unknown, options: LeaseOptions): Promise<unknown[]>
  /** The results of a source one by one; the stream opens at the first. */
  call(def: Definition, source: unknown, options: LeaseOptions): ValueIterator<unknown> & AsyncDisposable
  unfinished(name: string): Promise<UnfinishedStream[]>
  discard(name: string, id: string): Promise<boolean>
}
