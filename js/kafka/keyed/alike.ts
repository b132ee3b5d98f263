// Who of a group has which partitions: of events and changelog the same, about as many each, and mostly those that it had before.

import { createHash } from 'node:crypto'
import type { Assignment } from '../client/assigner.js'

/** What members say that they share by. */
export const ALIKE = 'velo-sessions'

/** Each partition goes to the member that it likes best and that has room: when one comes or goes, few others change hands. */
export function alike(members: readonly string[], partitions: ReadonlyMap<string, readonly number[]>): Assignment {
  const [first = [], ...others] = partitions.values()
  const common = first.filter((number) => others.every((some) => some.includes(number))).sort((a, b) => a - b)
  const least = Math.floor(common.length / members.length)
  let more = common.length % members.length
  const lists = new Map(members.map((member): [string, number[]] => [member, []]))
  for (const number of common) {
    const liked = members.map((member) => ({ member, rank: rankOf(member, number) })).sort((a, b) => (a.rank < b.rank ? -1 : 1))
    for (const { member } of liked) {
      const list = lists.get(member) as number[]
      if (list.length > least || (list.length === least && more === 0)) continue
      if (list.length === least) more--
      list.push(number)
      break
    }
  }
  const topics = [...partitions.keys()]
  return new Map([...lists].map(([member, list]) => [member, Object.fromEntries(topics.map((topic) => [topic, [...list]]))]))
}

function rankOf(member: string, partition: number): string {
  return createHash('sha1').update(`${partition}/${member}`).digest('hex')
}
