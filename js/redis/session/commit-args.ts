// A commit as its script takes it.

import type { Commit } from '../../durable/journal.js'
import type { Argument } from './clients/connection.js'
import { writeHashes } from './records.js'

/** Behind epoch and token. */
export function commitArgs({ delivered, hashes, outcomes, state, outputs, over }: Commit): Argument[] {
  const told = outcomes ?? []
  const values = outputs?.values ?? []
  const args: Argument[] = [delivered ?? '', hashes?.from ?? '', hashes === undefined ? '' : writeHashes(hashes.values), told.length]
  if (state === undefined) args.push('', '', '', '', '')
  else args.push(state.version, state.events, state.results, state.asked, state.bytes)
  args.push(outputs?.from ?? '', values.length)
  // An end that is kept for no whole ms is kept for one.
  args.push(over === undefined ? '' : over.retain === 0 ? 0 : Math.max(1, Math.round(over.retain)), over?.bytes ?? '')
  for (const { asked, bytes } of told) args.push(asked, bytes)
  args.push(...values)
  return args
}
