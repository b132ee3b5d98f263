// What a server of Redis or Valkey says of itself, as far as sessions depend on it.

import type { Scripts } from '../../session/scripts/script.js'

export interface ServerFacts {
  readonly product: 'Redis' | 'Valkey'
  readonly version: string
  /** `maxmemory-policy`: what becomes of keys when the memory is full. */
  readonly eviction: string
  /** Whether the append-only file is on. */
  readonly aof: boolean
  /** `master` or `slave`, in the words of the server. */
  readonly role: string
  /** Replicas that are connected. */
  readonly replicas: number
  /** One of a Redis Cluster. */
  readonly isCluster: boolean
  /** Commands that sessions need and that are not there. */
  readonly missing: readonly string[]
}

/** Of those that are not in every server: renamed, switched off, or of a later version. */
const NEEDED =
  'EVAL EVALSHA SPUBLISH SSUBSCRIBE SUNSUBSCRIBE PUBSUB XADD XACK XDEL XCLAIM XGROUP XINFO XPENDING XRANGE XREADGROUP PEXPIRE WAIT'.split(
    ' ',
  )

export async function serverFacts(scripts: Scripts): Promise<ServerFacts> {
  const info = infoOf(String(await scripts.call('INFO', 'everything')))
  const found = (await scripts.call('COMMAND', 'INFO', ...NEEDED)) as (unknown[] | null)[]
  const { valkey_version, redis_version = '', maxmemory_policy = '', aof_enabled, role = '', connected_slaves, cluster_enabled } = info
  return {
    product: valkey_version === undefined ? 'Redis' : 'Valkey',
    version: valkey_version ?? redis_version,
    eviction: maxmemory_policy,
    aof: aof_enabled === '1',
    role,
    replicas: Number(connected_slaves ?? 0),
    isCluster: cluster_enabled === '1',
    missing: NEEDED.filter((_, at) => !Array.isArray(found[at])),
  }
}

function infoOf(text: string): Record<string, string | undefined> {
  const pairs = text.split(/\r?\n/).map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, Math.max(0, colon)), line.slice(colon + 1)]
  })
  return Object.fromEntries(pairs)
}
