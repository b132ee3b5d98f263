// A session that killed its process too often: its data is retained, its readers learn why, and it is listed among the dead.

import type { Kept } from '../../../durable/journal.js'
import { commitArgs } from '../../session/commit-args.js'
import type { SessionKeys } from '../../session/keys.js'
import { HOST_COMMIT } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import { poisoned } from '../ends.js'
import { RETAIN } from '../lua-dead.js'
import type { Names } from '../names.js'

/** ms that the data of a session that was given up is retained. */
const RETAINED = 7 * 86_400_000
/** Entries of the list of the dead, about. */
const LISTED = 10_000

interface Limits {
  readonly ttl: number
  readonly results: number
}

export async function giveUp(
  scripts: Scripts,
  names: Names,
  tag: string,
  keys: SessionKeys,
  { own, events, delivered }: Kept,
  deaths: number,
  { ttl, results }: Limits,
): Promise<void> {
  await scripts.run(RETAIN, [...keys.all, ...keys.dead], [own.epoch, own.token, RETAINED])
  await scripts.call('XADD', names.dead, 'MAXLEN', '~', LISTED, '*', 's', tag, 'takeovers', deaths)
  const over = { bytes: poisoned(own.key.id, deaths, events, delivered), retain: ttl }
  await scripts.run(HOST_COMMIT, keys.all, commitArgs(own, 0, { over }, undefined, ttl, results, 0))
}
