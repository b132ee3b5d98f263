// A server that evicts keys loses parts of sessions, silently: whoever hosts sessions is warned once a process.

import type { Scripts } from '../../session/scripts/script.js'
import { serverFacts } from '../admin/server-facts.js'

let isWarned = false

/** One that may not be asked says nothing. */
export async function warnOfEviction(scripts: Scripts): Promise<void> {
  const { eviction } = await serverFacts(scripts).catch(() => ({ eviction: '' }))
  if (isWarned || eviction === '' || eviction === 'noeviction') return
  isWarned = true
  const message = `the server of the cluster has maxmemory-policy ${eviction}: when its memory is full it evicts parts of sessions; set noeviction`
  process.emitWarning(message, { type: 'VeloWarning', code: 'VELO_ADAPTER' })
}
