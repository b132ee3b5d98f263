// Which partition a message goes to, and which broker leads it.
//
// The client asks anew whenever it tries again. What was chosen stays with the message: in another partition it would be stored twice. And what the client sends goes to one
// broker at a time: of several it tries again as soon as one has failed, while another is still at work, and sends that one everything a second time under new numbers.

import type { Message, Outgoing } from './outgoing.js'

/** A partition as the client knows it. */
export interface PartitionLike {
  readonly partitionId: number
  readonly leader: number
}

export interface PartitionerCall {
  readonly topic: string
  readonly partitionMetadata: readonly PartitionLike[]
  readonly message: Message
}

interface Known {
  /** What it was made of: the client keeps it until it asks the broker again. */
  readonly metadata: readonly PartitionLike[]
  readonly leaders: Map<number, number>
  readonly reachable: readonly number[]
}

/** Messages that the client has in hand, and who leads the first of them in this attempt. */
interface Group {
  readonly first: Message
  readonly all: Outgoing[]
  leader: number
}

/** They go to more than one broker by now, and nothing of them is on its way: to be sent as groups. */
export class ScatteredError extends Error {
  readonly retriable = false
}

/** There is no such partition; the client would drop the message without a word. */
export class NoPartitionError extends Error {
  readonly retriable = false
}

export class Partitions {
  readonly #known = new Map<string, Known>()
  /** Messages without a key go to one partition after the other, those of a send together. */
  #turn = Math.floor(Math.random() * 1024)

  /** As the client takes it: a function that makes a partitioner. */
  readonly createPartitioner = () => (call: PartitionerCall) => this.#place(call)

  knows(topic: string): boolean {
    return this.#known.has(topic)
  }

  /** Messages by the broker that they go to, in order; of topics that are not known yet, together. */
  groups(messages: readonly Outgoing[]): Outgoing[][] {
    const groups = new Map<number, Group>()
    this.#turn++
    let group: Group | undefined
    for (const outgoing of messages) {
      const { topic, message } = outgoing
      const known = this.#known.get(topic)
      const leader = known === undefined ? -1 : (known.leaders.get(this.#choose(message, known)) ?? -1)
      if (group?.leader !== leader) {
        group = groups.get(leader) ?? { leader, first: message, all: [] }
        groups.set(leader, group)
      }
      message.send = group
      group.all.push(outgoing)
    }
    return [...groups.values()].map(({ all }) => all)
  }

  #place({ topic, partitionMetadata, message }: PartitionerCall): number {
    let known = this.#known.get(topic)
    if (known === undefined || known.metadata !== partitionMetadata) {
      known = read(partitionMetadata)
      this.#known.set(topic, known)
    }
    const partition = this.#choose(message, known)
    const leader = known.leaders.get(partition)
    if (leader === undefined) throw new NoPartitionError(`${topic} has no partition ${partition}, it has ${known.leaders.size}`)
    const group = message.send as Group
    if (message === group.first) group.leader = leader
    else if (leader !== group.leader) throw new ScatteredError('partitions have moved to other brokers')
    return partition
  }

  #choose(message: Message, { leaders, reachable }: Known): number {
    if (message.partition === undefined) {
      if (message.key !== null) message.partition = (murmur2(message.key) & 0x7fffffff) % leaders.size
      else message.partition = reachable.length > 0 ? (reachable[this.#turn % reachable.length] as number) : this.#turn % leaders.size
    }
    return message.partition
  }
}

function read(metadata: readonly PartitionLike[]): Known {
  const leaders = new Map(metadata.map(({ partitionId, leader }) => [partitionId, leader]))
  const reachable = metadata.filter(({ leader }) => leader >= 0).map(({ partitionId }) => partitionId)
  return { metadata, leaders, reachable: reachable.sort((one, other) => one - other) }
}

const MIX = 0x5bd1e995
/** Strings are hashed where they are written to, because most are short. */
const SCRATCH = Buffer.alloc(1024)

/** The hash by which the clients of Kafka place keys: all that write a topic have to agree. */
export function murmur2(of: Uint8Array | string): number {
  let key = SCRATCH as Uint8Array
  let { length } = of
  if (typeof of !== 'string') key = of
  else if (length * 3 <= SCRATCH.length) length = SCRATCH.write(of)
  else {
    key = Buffer.from(of)
    length = key.length
  }
  let hash = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let part = (key[at] as number) | ((key[at + 1] as number) << 8) | ((key[at + 2] as number) << 16) | ((key[at + 3] as number) << 24)
    part = Math.imul(part, MIX)
    part ^= part >>> 24
    hash = Math.imul(hash, MIX) ^ Math.imul(part, MIX)
  }
  if (at < length) {
    for (let shift = 0, rest = at; rest < length; rest++, shift += 8) hash ^= (key[rest] as number) << shift
    hash = Math.imul(hash, MIX)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, MIX)
  return hash ^ (hash >>> 15)
}
