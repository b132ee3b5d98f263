// An entry on its way: where it is, what it says, and how often it was delivered.

import { provenExecutions } from '../../kit/executions.js'
import type { RawEntry } from '../client/replies.js'

export class Entry {
  readonly stream: string
  readonly id: string
  readonly fields: readonly (string | Buffer)[]
  /** How often it was delivered, this time included. */
  deliveries: number
  /** Executions in earlier processes, as far as they are proven. */
  readonly executions: number

  constructor(stream: string, { id, fields }: RawEntry, deliveries: number) {
    this.stream = stream
    this.id = id
    this.fields = fields ?? []
    this.deliveries = deliveries
    this.executions = provenExecutions(deliveries - 1)
  }
}

/** The ids of entries by stream, in their order. */
export function byStream(entries: readonly Entry[]): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const { stream, id } of entries) {
    const of = ids.get(stream)
    if (of === undefined) ids.set(stream, [id])
    else of.push(id)
  }
  return ids
}
