// How a group shares partitions, and two places in the client that are reached from there only: what its consumer reads, and the moment before it joins its group anew.

import { committedOnly } from './committed.js'

interface ClusterLike {
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[]
  findGroupCoordinator(group: { groupId: string }): Promise<object>
}

/** Partitions of topics by member. */
export type Assignment = ReadonlyMap<string, Readonly<Record<string, number[]>>>

/** Who has what: `partitions` of each topic, in the order of `topics`. */
export type Share = (members: readonly string[], partitions: ReadonlyMap<string, readonly number[]>) => Assignment

export interface AssignerOptions {
  /** What members say that they can share by: all of a group must have one in common. */
  readonly name: string
  readonly share: Share
  /** Called each time before the consumer joins its group; it waits for that. */
  readonly beforeJoin: () => Promise<void>
}

/** For the option `partitionAssigners` of a consumer. */
export function assignerOf({ name, share, beforeJoin }: AssignerOptions): (client: { cluster: object }) => object {
  return ({ cluster }) => {
    const own = cluster as ClusterLike
    committedOnly(own)
    const find = own.findGroupCoordinator
    own.findGroupCoordinator = async (group) => {
      await beforeJoin()
      return find.call(own, group)
    }
    return {
      name,
      version: 0,
      async assign({ members, topics }: { members: readonly { memberId: string }[]; topics: readonly string[] }) {
        const partitions = new Map(
          topics.map((topic) => [topic, own.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)]),
        )
        const shared = share(members.map(({ memberId }) => memberId).sort(), partitions)
        return members.map(({ memberId }) => ({ memberId, memberAssignment: assignmentOf(shared.get(memberId) ?? {}) }))
      },
      protocol: ({ topics }: { topics: readonly string[] }) => ({ name, metadata: metadataOf(topics) }),
    }
  }
}

/** As the client's own assigner shares, so that members with either are one group. */
export const IN_TURN = 'RoundRobinAssigner'

/** One partition after the other, to one member after the other. */
export function inTurn(members: readonly string[], partitions: ReadonlyMap<string, readonly number[]>): Assignment {
  const shared = new Map<string, Record<string, number[]>>()
  let turn = 0
  for (const [topic, numbers] of partitions) {
    for (const number of numbers) {
      const member = members[turn++ % members.length] as string
      const own = shared.get(member) ?? {}
      shared.set(member, own)
      own[topic] ??= []
      own[topic].push(number)
    }
  }
  return shared
}

/** Version 0 of the protocol of consumers: version, topics, data of the user. */
function metadataOf(topics: readonly string[]): Buffer {
  return Buffer.concat([int16(0), int32(topics.length), ...topics.map(string), int32(0)])
}

/** Version, partitions of each topic, data of the user. */
function assignmentOf(partitions: Readonly<Record<string, readonly number[]>>): Buffer {
  const topics = Object.entries(partitions).map(([topic, numbers]) =>
    Buffer.concat([string(topic), int32(numbers.length), ...numbers.map(int32)]),
  )
  return Buffer.concat([int16(0), int32(topics.length), ...topics, int32(0)])
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}
