// What an error of a client means: the server refused, which no repeating mends; or nobody knows whether the command was done, and it is sent again. Everything in this room
// that changes something may be repeated.

import { AdapterError } from '../../index.js'
import { afterMs } from './pause.js'
import type { Argument, Wire } from './wire.js'

/** Refusals of a server that will think better of it. */
const PASSING = /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|MOVED|ASK|NOREPLICAS|UNBLOCKED)\b/
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

/** Sends a command that may be repeated until the server has answered; rejects with what it refused, untouched, or where the client was closed. */
export async function insist(wire: Wire, command: readonly Argument[], binary = false): Promise<unknown> {
  for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await settled(wire.send(command, binary), PATIENCE, () => new Error(`no answer to ${command[0]} in ${PATIENCE} ms`))
    } catch (error) {
      if (isRefusal(error) || wire.isEnded) throw error
      await afterMs(pause)
    }
  }
}
