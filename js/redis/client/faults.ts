// What an error of a client means: the server refused, which no repeating mends; or nobody knows whether the command was done, and it is sent again. Everything in this room
// that changes something may be repeated.

import { AdapterError } from '../../index.js'
import { afterMs } from './pause.js'
import type { Argument, Wire } from './wire.js'

/** Transient refusals. */
const PASSING = /^-?(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|MOVED|ASK|NOREPLICAS|UNBLOCKED|OOM|MISCONF)\b/
/** Transient refusals that last until an operator does something, or a failover is over. */
const LASTING = /^-?(READONLY|OOM|MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN)\b/
/** ms between two new connections, and between two warnings. */
const RENEWED_EVERY = 1000
const WARNED_EVERY = 60_000
/** A refusal begins with a word in capitals. */
const REFUSED = /^-?[A-Z][A-Z]+\b(?!:)/
/** ms before a command is sent again, at first and at most. */
const PAUSE = 20
const LONGEST_PAUSE = 1000
/** ms after which a command that was not answered counts as lost: clients that do not send again never say so. */
const PATIENCE = 15_000

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether the server refused for good. */
export function isRefusal(error: unknown): boolean {
  const message = messageOf(error)
  return REFUSED.test(message) && !PASSING.test(message)
}

/** The server behind the connection has become a replica: the same connection will never take a write again. */
export function isReadOnly(error: unknown): boolean {
  return /^-?READONLY\b/.test(messageOf(error))
}

/** The server has no memory for writes. */
export function isOutOfMemory(error: unknown): boolean {
  return /^-?OOM\b/.test(messageOf(error))
}

/** By client: when its connection was replaced last, and when a warning was emitted. */
const renewed = new WeakMap<object, number>()
const warned = new WeakMap<object, number>()

function isDue(times: WeakMap<object, number>, client: object, every: number): boolean {
  const now = performance.now()
  if (now - (times.get(client) ?? -Infinity) < every) return false
  times.set(client, now)
  return true
}

/** A transient refusal: connects again where that helps, and names the reason once a minute. */
export function refusedForNow(wire: Wire, command: Argument | undefined, error: unknown): void {
  if (isReadOnly(error) && isDue(renewed, wire.client, RENEWED_EVERY)) wire.renew()
  if (LASTING.test(messageOf(error)) && isDue(warned, wire.client, WARNED_EVERY))
    process.emitWarning(`redis: ${command} is refused for now, and retried: ${messageOf(error)}`, {
      type: 'VeloWarning',
      code: 'VELO_ADAPTER',
    })
}

/** The error that users get. */
export function adapterError(what: string, cause: unknown): AdapterError {
  return new AdapterError('VELO_ADAPTER', `redis: ${what}: ${messageOf(cause)}`, { adapter: 'redis', cause })
}

/** Rejects with `late` after so many ms. */
export async function settled<Value>(promise: Promise<Value>, ms: number, late: () => Error): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([promise, patience])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Sends a command that may be repeated until the server has answered; rejects with what it refused, untouched, or where the client was closed. A server without memory is a refusal for good only
 * without `waits`.
 */
export async function insist(wire: Wire, command: readonly Argument[], binary = false, waits = true): Promise<unknown> {
  for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await settled(wire.send(command, binary), PATIENCE, () => new Error(`no answer to ${command[0]} in ${PATIENCE} ms`))
    } catch (error) {
      if (isRefusal(error) || wire.isEnded || (!waits && isOutOfMemory(error))) throw error
      refusedForNow(wire, command[0], error)
      await afterMs(pause)
    }
  }
}
