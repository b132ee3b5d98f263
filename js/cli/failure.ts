// How a command ends: its exit codes, and the errors that mean one of them.

import { inspect } from 'node:util'

/** Exit codes of every command. */
export const Exit = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const

/** The command line is wrong, or names what is not there. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The input is not what its format says. */
export class InputError extends Error {
  override readonly name = 'InputError'
  /** Nobody knows where the next event begins: this one cannot be left out. */
  readonly fatal: boolean

  constructor(message: string, fatal = false) {
    super(message)
    this.fatal = fatal
  }
}

/** A result that the output format cannot say, or an output that cannot be written. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

/** A server or a process that does not answer, or answers something else. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
}

/** The function waits, and nothing is left in the process that could ever wake it. */
export class StuckError extends Error {
  override readonly name = 'StuckError'
}

/** Errors whose message says all. */
const OURS = [UsageError, InputError, OutputError, ServerError, StuckError]

/** The exit code that an error means. */
export function exitCode(error: unknown): number {
  if (error instanceof UsageError || error instanceof InputError) return Exit.usage
  const { code } = (error ?? {}) as { code?: unknown }
  if (code === 'VELO_CONFIG' || code === 'VELO_FUNCTION_REF') return Exit.usage
  return Exit.failed
}

/** What to print of an error: of ours the sentence, of the user's function everything that helps to find it. */
export function described(error: unknown): string {
  const ours = OURS.some((one) => error instanceof one)
  const { code } = (error ?? {}) as { code?: unknown }
  if (ours || (typeof code === 'string' && code.startsWith('VELO_'))) return (error as Error).message
  return inspect(error, { depth: 2 })
}

/** An error as `--json` writes it. */
export function errorJson(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: inspect(error, { depth: 2 }) }
  const { name, message, stack } = error
  const { code } = error as { code?: unknown }
  return {
    name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(described(error) === message ? {} : { stack }),
  }
}
