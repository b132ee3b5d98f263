// The time of the process on its processors, beside the time that passed.
import { addClaim, middleOf } from './harness.mjs'

/** Adds what each contestant took of its processors, and the claim about it. */
export function withCpu(contestants) {
  const times = {}
  const measured = Object.fromEntries(
    Object.entries(contestants).map(([name, work]) => [
      name,
      async () => {
        const before = process.cpuUsage()
        const answer = await work()
        const { user, system } = process.cpuUsage(before)
        ;(times[name] ??= []).push(user + system)
        return answer
      },
    ]),
  )
  return {
    measured,
    rows(events, { rounds }, claims) {
      const rows = Object.entries(times).map(([name, all]) => ({
        name: `${name}: CPU`,
        ...middleOf(all.slice(-rounds).map((us) => us / events)),
        unit: 'us/event',
      }))
      for (const { of, peer, bar } of claims) {
        const ratios = times[peer].slice(-rounds).map((time, round) => time / times[of].slice(-rounds)[round])
        addClaim(rows, { of: `${of}: CPU`, peer: `${peer}: CPU`, bar }, ratios)
      }
      return rows
    },
  }
}
