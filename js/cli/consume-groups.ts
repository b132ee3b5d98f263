// `velo consume pause`, `resume` and `replay`: groups of Redis and their dead letters, for the engineer on call.

import type { RedisClient } from '../redis/index.js'
import { pauseGroup, replayDeadLetters, resumeGroup } from '../redis/index.js'
import { connected } from './brokers/redis-client.js'
import { answered } from './cluster/pauses.js'

interface Groups {
  readonly redis: string
  readonly streams: readonly string[]
  readonly group: string
}

interface Letters {
  readonly redis: string
  readonly deadLetter: string
  readonly group: string | undefined
  readonly count: number | undefined
}

export async function pauseGroups({ redis, streams, group }: Groups, asJson: boolean): Promise<number> {
  await over(redis, (client) => Promise.all(streams.map((stream) => pauseGroup(client, stream, group))))
  return answered(asJson, { streams, group, paused: true }, `group ${group} reads no more: \`velo consume resume\` goes on`)
}

export async function resumeGroups({ redis, streams, group }: Groups, asJson: boolean): Promise<number> {
  await over(redis, (client) => Promise.all(streams.map((stream) => resumeGroup(client, stream, group))))
  return answered(asJson, { streams, group, paused: false }, `group ${group} reads again`)
}

export async function replayed({ redis, ...options }: Letters, asJson: boolean): Promise<number> {
  const count = await over(redis, (client) => replayDeadLetters(client, options))
  return answered(
    asJson,
    { deadLetter: options.deadLetter, replayed: count },
    `${count} entries of ${options.deadLetter} went back to their streams`,
  )
}

async function over<Answer>(url: string, use: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
  const { client, close } = await connected(url, 'velo consume')
  try {
    return await use(client)
  } finally {
    close()
  }
}
