// Where lines of the log go: nowhere, until `runtime.configure({ log })` says so. Shaped for pino and for `console`.

import { shown } from '../shown.js'

/** What a line tells beside its message. */
export interface LogFields {
  /** `VELO_*` of an error, or `velo:*` of what is none. */
  readonly code: string
  /** Id of the stream. */
  readonly stream?: string | undefined
  /** Name of its stream function. */
  readonly function?: string | undefined
  readonly err?: unknown
  readonly [more: string]: unknown
}

/** A logger: pino and `console` are such. Methods that it does not have are not called. */
export interface Log {
  error?(fields: LogFields, message: string): void
  warn?(fields: LogFields, message: string): void
  info?(fields: LogFields, message: string): void
  debug?(fields: LogFields, message: string): void
}

/** How much a line matters. */
export type Level = keyof Log

let log: Log | undefined
/** It was told already that this one fails. */
let isTold = false

/** Lines go there from now on; `undefined`: nowhere. */
export function logTo(given: Log | undefined): void {
  log = given
  isTold = false
}

/** Whether anybody wants lines. */
export function isLogged(): boolean {
  return log !== undefined
}

/** Writes a line. A logger that throws, or rejects, does no harm to the stream that it is about; that is told once. */
export function line(level: Level, fields: LogFields, message: string): void {
  try {
    const answer: unknown = log?.[level]?.(fields, message)
    if (typeof answer === 'object' && answer !== null) void Promise.resolve(answer).catch(failed)
  } catch (error) {
    failed(error)
  }
}

function failed(error: unknown): void {
  if (isTold) return
  isTold = true
  process.emitWarning(`the logger of runtime.configure({ log }) threw, lines are lost: ${shown(error)}`, {
    type: 'VeloWarning',
    code: 'velo:log-failed',
  })
}
