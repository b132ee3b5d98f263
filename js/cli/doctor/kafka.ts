// What `velo doctor` says of brokers of Kafka, of topics, and of a group. Every finding is a fact with a level; nothing here prints.

import type { KafkaLike } from '../../kafka/index.js'
import { connected } from '../brokers/kafka-client.js'
import type { Finding } from './findings.js'
import { type GroupFacts, type KafkaFacts, kafkaFacts, type Position, type Settings, type TopicFacts } from './kafka-facts.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** How long a group may stand still over a night. */
const STOP = 24 * HOUR
/** What a sink asks for unless it says otherwise: ms of a transaction, and bytes of a send. */
const TRANSACTION = 65_000
const SEND = 1_000_000

/** What to look at: topics by their names, and a group. */
export interface KafkaAsked {
  readonly brokers: string
  readonly topics: readonly string[]
  readonly group: string | undefined
}

/** Everything of them, in the order in which it is printed. */
export async function kafkaFindings({ brokers, topics, group }: KafkaAsked): Promise<Finding[]> {
  let kafka: KafkaLike
  try {
    kafka = await connected(brokers)
  } catch (error) {
    return [fail('kafka', (error as Error).message)]
  }
  try {
    return findingsOf(await kafkaFacts(kafka, topics, group))
  } catch (error) {
    return [fail('kafka', `the brokers do not answer: ${(error as Error).message}`)]
  }
}

export function findingsOf({ brokers, settings, topics, group }: KafkaFacts): Finding[] {
  return [
    ok('kafka', `${counted(brokers, 'broker')} in the cluster`),
    ...brokerFindings(settings),
    ...topics.flatMap(topicFindings),
    ...(group === undefined ? [] : groupFindings(group, topics)),
  ]
}

function brokerFindings(settings: Settings): Finding[] {
  if (settings === undefined) return [warn('broker', 'this user may not ask for its settings', 'Let it describe configs of the cluster.')]
  const found: Finding[] = []
  if (settings['auto.create.topics.enable'] === 'true')
    found.push(
      warn('broker', 'auto.create.topics.enable is on: a name that is mistyped becomes a topic', 'Switch it off, and make topics.'),
    )
  const offsets = Number(settings['offsets.retention.minutes']) * MINUTE
  if (offsets < STOP) {
    const says = `offsets.retention.minutes: a group without members for ${span(offsets)} begins anew`
    found.push(warn('broker', says, 'Let it be longer than a group may ever stand still.'))
  }
  const longest = Number(settings['transaction.max.timeout.ms'])
  if (longest < TRANSACTION) {
    const says = `transaction.max.timeout.ms is ${longest}: transactions of a sink (timeout, 60000 unless set, and 5000) are refused`
    found.push(warn('broker', says, 'Raise it, or lower the timeout of sinks with `transactional: true`.'))
  }
  return found
}

function topicFindings({ name, error, partitions, settings }: TopicFacts): Finding[] {
  if (error !== undefined) return [fail('topic', `${name}: ${error}`, 'Make it: a source and a sink make no topics.')]
  const found = [ok('topic', `${name} has ${counted(partitions.length, 'partition')}`)]
  const away = partitions.filter(({ hasLeader }) => !hasLeader)
  if (away.length > 0) found.push(fail('topic', `${name}: ${numbers(away)} without a leader: nothing is read or stored`))
  const behind = partitions.filter(({ replicas, inSync, hasLeader }) => hasLeader && inSync < replicas)
  if (behind.length > 0) found.push(warn('topic', `${name}: ${numbers(behind)} with replicas that are not in sync`))
  const least = Math.min(...partitions.map(({ replicas }) => replicas))
  if (least === 1)
    found.push(warn('topic', `${name} has one replica: it is away, or lost, with its broker`, 'In a cluster, give it three replicas.'))
  return settings === undefined
    ? [...found, warn('topic', `${name}: this user may not ask for its settings`, 'Let it describe configs of the topic.')]
    : [...found, ...settingFindings(name, settings, least)]
}

function settingFindings(name: string, settings: NonNullable<Settings>, replicas: number): Finding[] {
  const found: Finding[] = []
  if (replicas > 1 && Number(settings['min.insync.replicas']) < 2) {
    const says = `${name}: min.insync.replicas is 1: what all replicas in sync have, one broker may have alone`
    found.push(warn('topic', says, 'Set it to 2, with three replicas.'))
  }
  if (settings['unclean.leader.election.enable'] === 'true') {
    const says = `${name}: unclean.leader.election.enable: what was stored may be lost with a broker`
    found.push(warn('topic', says, 'Switch it off, where messages matter more than to be there at once.'))
  }
  const policy = settings['cleanup.policy'] ?? ''
  if (policy.includes('compact')) {
    const says = `${name}: cleanup.policy is ${policy}: of a key, older messages go, read or not`
    found.push(warn('topic', says, 'As an input, a topic of events needs the policy delete.'))
  }
  const retention = Number(settings['retention.ms'])
  if (policy.includes('delete') && retention >= 0 && retention < STOP) {
    const says = `${name}: retention.ms: what a group has not read after ${span(retention)} is lost`
    found.push(warn('topic', says, 'Let it be longer than a group may ever stand still.'))
  }
  const most = Number(settings['max.message.bytes'])
  if (most < SEND) {
    const says = `${name}: max.message.bytes is ${most}: larger sends of a sink (maxBytes, ${SEND} unless set) are refused`
    found.push(warn('topic', says, 'Raise it, or lower maxBytes of the sink.'))
  }
  return found
}

function groupFindings({ name, error, members, positions }: GroupFacts, topics: readonly TopicFacts[]): Finding[] {
  if (error !== undefined) return [fail('group', `${name}: ${error}`)]
  if (members === 0 && positions.every(({ committed }) => committed < 0))
    return [
      warn(
        'group',
        `${name} has no members, and has committed nothing`,
        'Unless it is new, its name is another one, or its offsets are gone.',
      ),
    ]
  const lag = positions.reduce((sum, position) => sum + lagOf(position), 0)
  const found = [ok('group', `${name} has ${counted(members, 'member')} and is ${counted(lag, 'message')} behind`)]
  const partitions = topics.length > 0 ? topics.reduce((sum, topic) => sum + topic.partitions.length, 0) : positions.length
  if (members > partitions) {
    const says = `${name} has more members than partitions (${partitions}): ${members - partitions} of them have nothing to do`
    found.push(warn('group', says, 'A partition has one process: the topic needs more of them, or the group fewer.'))
  }
  if (members === 0 && lag > 0)
    found.push(warn('group', `${name} has no members, and ${counted(lag, 'message')} wait`, 'Start one before retention takes them.'))
  for (const { topic, partition, low, committed } of positions) {
    if (committed < 0 || committed >= low) continue
    const says = `${name}: ${counted(low - committed, 'message')} of ${topic}/${partition} were gone before they were read (${committed} is next, ${low} the first that is there)`
    found.push(fail('group', says, 'Retention was shorter than the group took: see retention.ms and retention.bytes of the topic.'))
  }
  return found
}

const lagOf = ({ low, high, committed }: Position): number => Math.max(0, high - Math.max(low, committed))

const ok = (name: string, says: string): Finding => ({ name, level: 'ok', says })
const warn = (name: string, says: string, hint?: string): Finding => ({ name, level: 'warn', says, ...(hint && { hint }) })
const fail = (name: string, says: string, hint?: string): Finding => ({ name, level: 'fail', says, ...(hint && { hint }) })

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const numbers = (partitions: TopicFacts['partitions']): string => `partition ${partitions.map(({ partition }) => partition).join(', ')}`

function span(ms: number): string {
  if (ms >= HOUR) return `${Math.round(ms / HOUR)} h`
  return ms >= MINUTE ? `${Math.round(ms / MINUTE)} min` : `${ms} ms`
}
