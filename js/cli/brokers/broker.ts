// What every broker is to `velo consume`.

import type { AckSource, PartedSource, Sink } from '../../index.js'

/** What is read, and where results go, as the command line says it. */
export interface Route {
  /** Of Redis and NATS. */
  readonly streams: readonly string[]
  /** Of Kafka. */
  readonly topics: readonly string[]
  readonly group: string | undefined
  readonly consumer: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly maxlen: number | undefined
  readonly deadLetter: string | undefined
  /** Results and what was read of Kafka in one transaction. */
  readonly transactional: boolean
}

export interface Broker {
  readonly source: AckSource<unknown> | PartedSource<unknown>
  readonly sink: Sink<unknown> | undefined
  close(): unknown
}

/** A client that is not installed is none; what else is wrong with it is thrown. */
export function missing(error: { code?: unknown }): undefined {
  if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') return undefined
  throw error
}
