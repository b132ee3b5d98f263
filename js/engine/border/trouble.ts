// What failed in the core: told once for each kind through process.emitWarning, because no call of anybody is at fault and none would tell it.

import { line } from '../../kit/sight/log.js'
import { Trouble } from './law.js'

const texts: Record<number, string> = {
  [Trouble.Panic]: 'the native core panicked; what it was asked for then has failed, everything else goes on. Please report it',
  [Trouble.Timer]: 'the timer thread panicked and was started again: a timeout may have been lost. Please report it',
  [Trouble.NoTimer]:
    'there is no timer thread: no timeout will fire until one can be started, which the next timer tries. Is the process out of threads or memory?',
}

const told = new Set<number>()

/** Warns of what failed, unless it has before in this isolate. */
export function warnTrouble(what: number): void {
  if (told.has(what)) return
  told.add(what)
  const message = texts[what] ?? `the native core failed (${what})`
  process.emitWarning(message, { type: 'VeloWarning', code: 'VELO_BUG' })
  line('error', { code: 'VELO_BUG' }, message)
}
