// The option `state`, checked and filled in, and the state a life begins with.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { StateOptions } from '../api/options.js'
import { VeloError } from '../kit/errors.js'
import { decodeRecord, encodeRecord } from '../workers/codec/late-record.js'
import type { Saved } from './harness/data.js'

export interface ResolvedState {
  readonly initial: unknown
  readonly version: number
  readonly migrate: StateOptions<unknown>['migrate']
  readonly schema: StandardSchemaV1 | undefined
  /** It is saved after so many events, or ms. */
  readonly events: number
  readonly ms: number
}

const EVERY = { events: 64, ms: 100 }

export function resolveState({ initial, version, migrate, schema, every }: StateOptions<unknown>): ResolvedState {
  const often = typeof every === 'number' ? { events: every, ms: Number.POSITIVE_INFINITY } : { ...EVERY, ...every }
  return { initial, version, migrate, schema, events: often.events, ms: often.ms }
}

/** What `ctx.state` is at the start: what was saved, in the shape of this version, or a new one. Rejects with `VELO_CHECKPOINT`. */
export async function stateOf(state: ResolvedState, saved: Saved | undefined, from: number | undefined, id: string): Promise<unknown> {
  const { initial, version, migrate, schema } = state
  if (saved === undefined) {
    const made = typeof initial === 'function' ? (initial as () => unknown)() : initial
    // Of each stream its own.
    return decodeRecord(encodeRecord(made, 'structured'), 'structured')
  }
  const value = from === version ? saved.state : await migrated(saved.state, from as number, version, migrate, id)
  if (schema === undefined) return value
  const { issues, ...result } = (await schema['~standard'].validate(value)) as StandardSchemaV1.FailureResult & { value?: unknown }
  if (issues === undefined) return result.value
  throw refused(id, `the schema refuses the state that is kept: ${issues[0]?.message ?? 'refused'}`, undefined)
}

async function migrated(old: unknown, from: number, to: number, migrate: ResolvedState['migrate'], id: string): Promise<unknown> {
  if (migrate === undefined)
    throw refused(id, `its state is of version ${from}, the function's is ${to}, and there is no state.migrate`, undefined)
  try {
    return await migrate(old, from)
  } catch (cause) {
    throw refused(id, `state.migrate failed on a state of version ${from}`, cause)
  }
}

function refused(id: string, why: string, cause: unknown): VeloError {
  return new VeloError('VELO_CHECKPOINT', `stream ${id}: ${why}`, { streamId: id, ...(cause !== undefined && { cause }) })
}
