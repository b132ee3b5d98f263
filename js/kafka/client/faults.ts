// What an error of the client means, and the error that users get.

import { AdapterError } from '../../index.js'

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What the broker calls it: `ILLEGAL_GENERATION`, `INVALID_PRODUCER_EPOCH`. The client wraps errors that it tried again. */
export function typeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { type, cause } = at as { type?: unknown; cause?: unknown }
    if (typeof type === 'string') return type
    at = cause
  }
  return undefined
}

/** Somebody else has the transactional id of this producer by now. */
const FENCED = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID']

export function isFenced(error: unknown): boolean {
  return FENCED.includes(typeOf(error) ?? '')
}

/** This member has the partition no more, or the group is about to share them anew. */
const REBALANCED = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR_FOR_GROUP']

export function isRebalanced(error: unknown): boolean {
  return REBALANCED.includes(typeOf(error) ?? '')
}

/** The group has given this member up: it keeps nothing of it until it has joined anew. */
const GIVEN_UP = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']

export function isGivenUp(error: unknown): boolean {
  return GIVEN_UP.includes(typeOf(error) ?? '')
}

/** The error that users get. */
export function adapterError(what: string, cause: unknown): AdapterError {
  return new AdapterError('VELO_ADAPTER', `kafka: ${what}: ${messageOf(cause)}`, { adapter: 'kafka', cause })
}
