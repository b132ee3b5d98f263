// What a durable stream is told by its function and its journal.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Codec } from '../../kit/types.js'
import type { Journal } from '../journal.js'
import type { ResolvedState } from '../state.js'
import type { Suspicion } from './suspicion.js'

export interface Settings {
  readonly journal: Journal
  /** ms that the end of a stream is kept. */
  readonly retain: number
  /** What becomes of a stream whose replay differs. */
  readonly onDivergence: 'fail' | 'warn'
  readonly codec: Codec
  readonly schema: StandardSchemaV1 | undefined
  readonly state: ResolvedState | undefined
  /** It goes on when its worker thread is lost. */
  readonly survivesThreads: boolean
  /** What threads it has ended, over all handles of this process. */
  readonly suspicion?: Suspicion
  /** Nothing is delivered before everything is. */
  readonly collects: boolean
}
