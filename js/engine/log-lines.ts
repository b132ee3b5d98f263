// The lines of the log about a stream: that it was opened, and how it ended.

import { isLogged, type Level, line } from '../kit/sight/log.js'
import type { StreamEnd } from '../kit/types.js'

/** Whose they are. */
interface Named {
  readonly id: string
  readonly name: string
}

export function logOpen({ id, name }: Named): void {
  line('debug', { code: 'velo:stream-opened', stream: id, function: name }, `stream ${id} was opened`)
}

export function logEnd({ id, name }: Named, end: StreamEnd): void {
  if (!isLogged()) return
  const { reason, error, stage, dropped, detached } = end
  const about = { stream: id, function: name, ...(stage === undefined ? {} : { stage }), reason, dropped: { ...dropped } }
  if (detached)
    line('warn', { code: 'velo:stream-detached', ...about }, `stream ${id}: its function goes on although closeTimeout has passed`)
  if (reason === 'failed') line('error', { code: codeOf(error, 'velo:stream-failed'), ...about, err: error }, `stream ${id} failed`)
  else if (reason === 'aborted') say('info', codeOf(error, 'VELO_ABORTED'))
  else say('debug', 'velo:stream-closed')

  function say(level: Level, code: string): void {
    const fields = { code, ...about, ...(error === undefined ? {} : { err: error }) }
    line(level, fields, `stream ${id} ended (${reason})`)
  }
}

/** The code of one of our errors, or of what caused the abort. It may be anything that was thrown. */
function codeOf(error: unknown, usual: string): string {
  try {
    const { cause, code } = (error ?? {}) as { cause?: { code?: unknown } | null; code?: unknown }
    for (const one of [cause?.code, code]) if (typeof one === 'string' && one.startsWith('VELO_')) return one
  } catch {
    // It cannot be looked at.
  }
  return usual
}
