// What an error means: JetStream refused, which no repeating mends; or nobody knows whether it was done, and it is sent again. Everything in this room that changes
// something may be repeated.

import { AdapterError } from '../../index.js'

/** The number that JetStream gives a refusal. */
export const NO_CONSUMER = 10_014
export const CONSUMER_EXISTS: readonly number[] = [10_013, 10_105, 10_148]

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** JetStream answered that it does not. */
export class Refusal extends Error {
  /** HTTP-like. */
  readonly status: number
  readonly number: number

  constructor(what: string, error: { code?: number; err_code?: number; description?: string }) {
    super(`${what}: ${error.description ?? 'refused'}`)
    this.status = error.code ?? 500
    this.number = error.err_code ?? 0
  }

  /** It will think better of it: no leader, no room, a server that starts. */
  get isPassing(): boolean {
    return this.status === 503
  }
}

/** Nobody listens there. */
export function isNoResponders(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'NoRespondersError' || isNoResponders(error.cause) || /no responders/i.test(error.message)
}

/** Somebody has closed the connection, or is about to. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ClosedConnectionError' || error.name === 'DrainingConnectionError')
}

/** The server does not allow it, as far as it says so: to publish, or anything. */
export function isDenied(error: unknown, operation?: string): boolean {
  if (!(error instanceof Error)) return false
  if (error.name !== 'PermissionViolationError') return isDenied(error.cause, operation)
  return operation === undefined || (error as { operation?: unknown }).operation === operation
}

/** The error that users get. */
export function adapterError(what: string, cause: unknown): AdapterError {
  return new AdapterError('VELO_ADAPTER', `nats: ${what}: ${messageOf(cause)}`, { adapter: 'nats', cause })
}

/** Resolves after so many ms. */
export function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
