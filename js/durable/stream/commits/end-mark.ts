// A mark in the journal of a stream whose function has ended, while its reader has not been told yet. A replay that ends the same way repeats that end;
// one that ends otherwise, before everything stored was processed, is the failure of another function. It is stored among the outcomes of `ctx.run`, which
// every journal has, under a number that none of them gets.

import type { Failure } from '../../../kit/errors.js'
import { decodeRecord, encodeRecord } from '../../../workers/codec/late-record.js'
import type { Commit, Outcome } from '../../journal.js'

/** Beyond all outcomes of a stream; exact in Lua, JSON and 64-bit floats. */
const NUMBER = 2 ** 31 - 1

export interface EndMark {
  /** Name and message of what the function threw; absent if it returned. */
  readonly thrown?: string
  /** Index of the event after the last one that the function had got. */
  readonly taken: number
}

export const isEndMark = ({ asked }: Outcome): boolean => asked === NUMBER

export function readEndMark(outcomes: readonly Outcome[]): EndMark | undefined {
  const mark = outcomes.find(isEndMark)
  return mark && (decodeRecord(mark.bytes, 'structured') as EndMark)
}

export function endMark(failure: Failure | undefined, taken: number): Commit {
  const mark: EndMark = failure === undefined ? { taken } : { taken, thrown: textOf(failure) }
  return { outcomes: [{ asked: NUMBER, bytes: encodeRecord(mark, 'structured') }] }
}

/** The same error may come at another event where functions run side by side, and another text of it at the same event. */
export function isSameEnd(mark: EndMark, failure: Failure | undefined, taken: number): boolean {
  if (failure === undefined) return mark.thrown === undefined && mark.taken === taken
  return mark.thrown !== undefined && (mark.taken === taken || mark.thrown === textOf(failure))
}

function textOf({ error }: Failure): string {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown }
  return typeof message === 'string' ? `${String(name)}: ${message}` : typeof error
}
