// js/cli/cluster: `velo cluster`: the sessions that processes share over Redis. Knows nothing of what their functions do.
//
// A command's view of the cluster, from the first connection to the last.

import { type ClusterAdmin, type ClusterSession, clusterAdmin } from '../../redis/index.js'
import { connected } from '../brokers/redis-client.js'
import { UsageError } from '../failure.js'
import { plain } from '../journal/shown.js'

/** Which cluster. */
export interface Where {
  readonly redis: string
  readonly prefix: string
}

export async function looked<Answer>({ redis, prefix }: Where, look: (admin: ClusterAdmin) => Promise<Answer>): Promise<Answer> {
  const { client, close } = await connected(redis, 'velo cluster')
  try {
    const admin = clusterAdmin(client, { prefix })
    try {
      return await look(admin)
    } finally {
      admin.close()
    }
  } finally {
    close()
  }
}

/** The session of that id; `name` says of which function, where several have it, or it is over. */
export async function sessionOf(admin: ClusterAdmin, id: string, name: string | undefined): Promise<ClusterSession> {
  if (name !== undefined) {
    const one = await admin.session(name, id)
    if (one !== undefined) return one
    throw new UsageError(`no session ${plain(id)} of ${plain(name)} is kept`)
  }
  const found: ClusterSession[] = []
  for await (const one of admin.sessions()) if (one.id === id) found.push(one)
  const [first, second] = found
  if (first === undefined) throw new UsageError(`no session ${plain(id)} is open; one that is over is found with --function`)
  if (second !== undefined)
    throw new UsageError(`${found.length} sessions are called ${plain(id)}: say with --function which (${names(found)})`)
  return first
}

const names = (sessions: readonly ClusterSession[]) => sessions.map((one) => plain(one.function)).join(', ')
