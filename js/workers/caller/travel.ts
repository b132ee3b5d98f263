// How the values of a stage travel to its thread and back: what was said when its stream function was made.

import type { Placement, Stage } from '../../engine/stages/stage.js'
import type { Codec } from '../codec/codec.js'

export interface TravelOptions {
  readonly exported: string
  readonly codec: Codec
  readonly transfer: boolean
  readonly onWorkerExit: 'fail' | 'reopen'
}

/** The reference to a function on worker threads. */
export interface Reference {
  /** Address of its module. */
  readonly href: string
  readonly travel: TravelOptions
}

/** Of a stage that runs on worker threads. */
export function referenceOf(stage: Stage): Reference {
  return stage.placement as Placement & Reference
}
