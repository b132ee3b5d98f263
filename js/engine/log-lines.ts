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

/** The code of one of our errors, or of what caused the abort. */
function codeOf(error: unknown, usual: string): string {
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause
  for (const code of [cause?.code, (error as { code?: unknown } | undefined)?.code]) {
    if (typeof code === 'string' && code.startsWith('VELO_')) return code
  }
  return usual
}
