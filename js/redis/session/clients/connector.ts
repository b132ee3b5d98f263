// Which client the user brought.

import { configError } from '../../../kit/check.js'
import { withoutKeyPrefix } from '../../client/key-prefix.js'
import type { Connector } from './connection.js'
import { isIoRedis, overIoRedis } from './ioredis.js'
import { isIoCluster, overIoCluster } from './ioredis-cluster.js'
import { isNodeRedis, overNodeRedis } from './node-redis.js'
import { isNodeCluster, overNodeCluster } from './node-redis-cluster.js'

/** Throws `VELO_CONFIG` for what is no client, and for one with a `keyPrefix`. */
export function connectorOf(client: unknown, field: string): Connector {
  if (typeof client === 'object' && client !== null) withoutKeyPrefix(client, field)
  if (isIoCluster(client)) return overIoCluster(client)
  if (isNodeCluster(client)) return overNodeCluster(client)
  if (isIoRedis(client)) return overIoRedis(client)
  if (isNodeRedis(client)) return overNodeRedis(client)
  throw configError(field, 'a client of ioredis or node-redis', client)
}
