// The server of a cluster, as `velo doctor --redis` looks at it.

import { clusterAdmin } from '../../redis/index.js'
import { connected } from '../brokers/redis-client.js'
import type { Finding } from '../doctor/findings.js'
import { findingsOf } from '../doctor/redis.js'

/** Everything of one server, in the order in which it is printed. */
export async function redisFindings(url: string): Promise<Finding[]> {
  try {
    const { client, close } = await connected(url, 'velo doctor --redis', 'one')
    const admin = clusterAdmin(client)
    try {
      return findingsOf(await admin.server())
    } finally {
      admin.close()
      close()
    }
  } catch (error) {
    return [{ name: 'redis', level: 'fail', says: (error as Error).message }]
  }
}
