// What is told once through process.emitWarning and to the log, because no promise that anybody has to look at would tell it.

import { line } from '../kit/sight/log.js'
import type { Definition } from './definition.js'

const told = new WeakMap<Definition, Set<string>>()

/** Warns once for each function and code. */
function warnOnce(def: Definition, id: string, code: string, message: string): void {
  const codes = told.get(def) ?? new Set()
  if (codes.has(code)) return
  told.set(def, codes.add(code))
  process.emitWarning(message, { type: 'VeloWarning', code })
  line('warn', { code, stream: id, function: def.options.name }, message)
}

/** Sends of a function were refused as overrun: whoever does not await them would not know. */
export function warnOverrun(def: Definition, id: string, bound: number): void {
  const { name } = def.options
  warnOnce(
    def,
    id,
    'VELO_OVERRUN',
    `stream function ${name}: an event was refused, because ${bound} sends of stream ${id} wait already. Await send(), or use trySend(); closed.refused counts what was refused`,
  )
}

/** The results of a call were dropped before their end: its stream is closed now, and was open for nothing until the garbage collector came by. */
export function warnDropped(def: Definition, id: string): void {
  const { name } = def.options
  warnOnce(
    def,
    id,
    'velo:dropped-results',
    `stream function ${name}: the results of stream ${id} were dropped before their end. Read them to the end, leave the loop by break, or call return(): until then the stream keeps its place`,
  )
}

/** The process ends while sends wait that only a read could let in. */
export function warnStuck(id: string, waiting: number, unread: number): void {
  process.emitWarning(
    `stream ${id}: the process ends while ${waiting} sends wait for room, ${unread} results wait to be read, and nobody reads. Read while you send: send and recv in turns, or a loop of its own for each`,
    { type: 'VeloWarning', code: 'velo:stuck-sends' },
  )
}
