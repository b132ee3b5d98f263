// What `velo doctor` says of a server of Redis or Valkey that keeps sessions. Every finding is a fact with a level; nothing here prints.

import type { ServerFacts } from '../../redis/index.js'
import type { Finding } from './findings.js'

/** The oldest that are tested. */
const OLDEST = { Redis: [7, 0], Valkey: [8, 0] } as const

/** In the order in which they are printed. */
export function findingsOf(facts: ServerFacts): Finding[] {
  return [version(facts), commands(facts), eviction(facts), aof(facts), replicas(facts)]
}

function version({ product, version, isCluster }: ServerFacts): Finding {
  const [major, minor] = OLDEST[product]
  const [a = 0, b = 0] = version.split('.').map(Number)
  const isOld = a < major || (a === major && b < minor)
  const says = `${product} ${version}${isCluster ? ', one of a cluster' : ''}`
  if (!isOld) return { name: 'redis', level: 'ok', says }
  return { name: 'redis', level: 'warn', says, hint: `${product} ${major}.${minor} is the oldest that is tested.` }
}

function commands({ missing }: ServerFacts): Finding {
  if (missing.length === 0) return { name: 'commands', level: 'ok', says: 'all that sessions need are there' }
  const hint = 'Sessions do not work without them: they are renamed, switched off, or of a later version.'
  return { name: 'commands', level: 'warn', says: `missing: ${missing.join(', ')}`, hint }
}

function eviction({ eviction }: ServerFacts): Finding {
  if (eviction === 'noeviction') return { name: 'eviction', level: 'ok', says: 'noeviction' }
  const hint = 'When its memory is full, this server throws sessions away: maxmemory-policy noeviction.'
  return { name: 'eviction', level: 'fail', says: eviction === '' ? 'unknown' : eviction, hint }
}

function aof({ aof }: ServerFacts): Finding {
  if (aof) return { name: 'append-only', level: 'ok', says: 'on' }
  return { name: 'append-only', level: 'warn', says: 'off', hint: 'What is in the server dies with it: appendonly yes.' }
}

function replicas({ role, replicas }: ServerFacts): Finding {
  if (role !== 'master')
    return { name: 'replicas', level: 'warn', says: 'this is a replica', hint: 'Sessions need the one that it is a replica of.' }
  if (replicas > 0) return { name: 'replicas', level: 'ok', says: `${replicas} connected` }
  return { name: 'replicas', level: 'warn', says: 'none', hint: 'Where its machine is lost, so are the sessions.' }
}
