// A commit as its script takes it: what is short in one argument, because each one costs both sides more than a few letters do.

import type { Commit, KeptOutputs, Ownership } from '../../durable/journal.js'
import type { Argument } from './clients/connection.js'
import { writeHashes, writeRecords } from './records.js'

/** `third`: what is delivered, or what it rests on; `more`: what the script takes behind that of every commit, before the outcome that was stored before. */
export function commitArgs(
  { epoch, token }: Ownership,
  third: number | undefined,
  commit: Commit,
  outputs: KeptOutputs | undefined,
  ...more: number[]
): Argument[] {
  const { hashes, outcomes, state, over } = commit
  const told = outcomes ?? []
  const values = outputs?.values ?? []
  const ofState = state === undefined ? '   ' : `${state.version} ${state.events} ${state.results} ${state.asked}`
  // An end that is kept for no whole ms is kept for one.
  const retain = over === undefined ? '' : over.retain === 0 ? 0 : Math.max(1, Math.round(over.retain))
  const words =
    `${epoch} ${token} ${third ?? ''} ${hashes?.from ?? ''}  ${told.length} ${ofState}  ` +
    `${outputs?.from ?? ''} ${values.length} ${retain} ${more.map((word) => ` ${word}`).join('')} ${commit.after ?? ''}`
  const results = values.length === 0 ? '' : writeRecords(values)
  const args: Argument[] = [words, hashes === undefined ? '' : writeHashes(hashes.values), state?.bytes ?? '', over?.bytes ?? '', results]
  for (const { asked, bytes } of told) args.push(asked, bytes)
  return args
}
