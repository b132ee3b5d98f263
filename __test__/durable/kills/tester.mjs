// The crash tester: lanes side by side, until so many processes were killed or so much time has passed.

import { Lane } from './lane.mjs'

/**
 * Kills `kills` processes in `lanes` folders at a time, or as many as `ms` allow; the same seed makes the same streams, events and plans of death, as near in time as
 * the machine comes. `place(lane)` says where they are kept, if that is no folder. Resolves with what was done and whatever went wrong: `{ counts, wrongs, ms }`.
 */
export async function crashes({ seed, kills, lanes = 2, ms = Number.POSITIVE_INFINITY, onKill = () => {}, place = () => undefined }) {
  const begun = performance.now()
  const all = Array.from({ length: lanes }, (_, lane) => new Lane(seed, lane, place(lane)))
  let left = kills
  const isGoing = () => left > 0 && performance.now() - begun < ms && all.every(({ wrongs }) => wrongs.length === 0)
  await Promise.all(
    all.map(async (lane) => {
      while (isGoing()) {
        left--
        await lane.kill()
        onKill(kills - left)
      }
      await lane.finish()
    }),
  )
  const counts = {}
  for (const { sums } of all) for (const [name, count] of Object.entries(sums)) counts[name] = (counts[name] ?? 0) + count
  return { counts, wrongs: all.flatMap(({ wrongs }) => wrongs), ms: performance.now() - begun }
}

/** The counts of a run in a sentence. */
export function said({ counts, ms }) {
  const { kills, deaths, journeys, openings, replays, events, results, effects, again, lines, refusals } = counts
  return (
    `${kills} kills and ${deaths} deaths of threads in ${Math.round(ms / 1000)} s: ${journeys} streams opened ${openings} times, ${replays} of them with something to take up; ` +
    `${events} events acknowledged, ${refusals} batches refused, ${results} results, ${effects} effects told, ${again} done again before they were; ${lines} lines judged`
  )
}
