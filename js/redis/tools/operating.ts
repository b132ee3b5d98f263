// For the engineer on call: a group that is paused, and entries of a dead-letter stream that go back to where they came from.

import { integer, onlyKnown, text } from '../../kit/check.js'
import { adapterError, insist, messageOf } from '../client/faults.js'
import { entriesOf } from '../client/replies.js'
import { Script } from '../client/script.js'
import { type Argument, type RedisClient, type Wire, wireOf } from '../client/wire.js'
import { pauseKey } from '../source/pause-key.js'

/** Options of `replayDeadLetters`. */
export interface ReplayOptions {
  /** The dead-letter stream. */
  deadLetter: string
  /** Only entries of this group. Default: of all groups. */
  group?: string | undefined
  /** Most entries. Integer from 1. Default: all that are there. */
  count?: number | undefined
}

/** Entries read at a time. */
const PAGE = 100

/** KEYS: dead letters, stream. ARGV: id. Its own fields go back, and it leaves the dead letters; 0: it is not there any more. */
const REPLAY = new Script(`
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local head = { 'XADD', KEYS[2], '*' }
for n = 1, #entry[2], 2 do
  if string.sub(entry[2][n], 1, 5) ~= 'velo:' then
    head[#head + 1] = entry[2][n]
    head[#head + 1] = entry[2][n + 1]
  end
end
redis.call(unpack(head))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
`)

/** Consumers of that group read no entry of that stream until `resumeGroup`; those that were read are finished. They follow within a second. */
export async function pauseGroup(client: RedisClient, stream: string, group: string): Promise<void> {
  const wire = checked(client, stream, group, 'pauseGroup')
  await sent(wire, ['SET', pauseKey(stream, group), 1])
}

/** Consumers of that group read again. Resolves with false if it was not paused. */
export async function resumeGroup(client: RedisClient, stream: string, group: string): Promise<boolean> {
  const wire = checked(client, stream, group, 'resumeGroup')
  return Number(await sent(wire, ['DEL', pauseKey(stream, group)])) === 1
}

/**
 * Appends entries of a dead-letter stream to the streams that they came from, the oldest first, and removes them there; resolves with how many. Every group of such a stream gets them. In a cluster
 * whose servers share the two streams an entry may be appended twice if connections are cut.
 */
export async function replayDeadLetters(client: RedisClient, options: ReplayOptions): Promise<number> {
  const field = 'replayDeadLetters(client, options)'
  const wire = wireOf(client, 'replayDeadLetters(client)')
  onlyKnown(options, field, ['deadLetter', 'group', 'count'])
  const { deadLetter, group } = options
  text(deadLetter, `${field}.deadLetter`)
  if (group !== undefined) text(group, `${field}.group`)
  const most = options.count === undefined ? Number.POSITIVE_INFINITY : integer(options.count, `${field}.count`, 1, 1)
  // What is put there meanwhile may be the same entries again.
  const [last] = entriesOf(await sent(wire, ['XREVRANGE', deadLetter, '+', '-', 'COUNT', 1]))
  let count = 0
  for (let from = '-'; last !== undefined && count < most; ) {
    const page = entriesOf(await sent(wire, ['XRANGE', deadLetter, from, last.id, 'COUNT', PAGE]))
    for (const { id, fields = [] } of page) {
      const about = (name: string): string | undefined => fieldOf(fields, `velo:${name}`)
      const stream = about('stream')
      if (count < most && stream !== undefined && (group === undefined || about('group') === group))
        count += await replayed(wire, deadLetter, stream, id)
    }
    const end = page.at(-1)
    if (end === undefined || page.length < PAGE) break
    from = `(${end.id}`
  }
  return count
}

async function replayed(wire: Wire, deadLetter: string, stream: string, id: string): Promise<number> {
  try {
    return Number(await REPLAY.run(wire, [deadLetter, stream], [id]))
  } catch (error) {
    if (!/CROSSSLOT|non local key/i.test(messageOf(error))) throw adapterError(`entry ${id} of ${deadLetter}`, error)
  }
  const [entry] = entriesOf(await sent(wire, ['XRANGE', deadLetter, id, id], true))
  if (entry?.fields === undefined) return 0
  const own = entry.fields.flatMap((part, at) =>
    at % 2 === 0 && !String(part).startsWith('velo:') ? [part, entry.fields?.[at + 1] as Argument] : [],
  )
  await sent(wire, ['XADD', stream, '*', ...own])
  await sent(wire, ['XDEL', deadLetter, id])
  return 1
}

function fieldOf(fields: readonly (string | Buffer)[], name: string): string | undefined {
  for (let at = 0; at + 1 < fields.length; at += 2) if (String(fields[at]) === name) return String(fields[at + 1])
  return undefined
}

function checked(client: RedisClient, stream: string, group: string, name: string): Wire {
  const wire = wireOf(client, `${name}(client)`)
  text(stream, `${name}(client, stream)`)
  text(group, `${name}(client, stream, group)`)
  return wire
}

async function sent(wire: Wire, command: readonly Argument[], binary = false): Promise<unknown> {
  try {
    return await insist(wire, command, binary, false)
  } catch (error) {
    throw adapterError(`${command[0]} ${command[1]}`, error)
  }
}
