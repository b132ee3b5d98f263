// Several contestants at one point of a scenario, in one run: each round in an order of its own, every answer checked, the ratio to ours of each round. Owns: rounds and rows. Not here: any scenario.
import { addClaim, checkAnswer, median, middleOf, shuffled, tidyUp } from '../harness.mjs'

/** Beyond this many ms a contestant is not asked for more: it takes part in fewer rounds, or at the next larger point not at all. */
const PATIENCE = 5_000

/**
 * `contestants`: name to a function that answers `{ answer, ms }`, or the answer alone, whose time is taken here. The first one is ours, and all others are compared with it.
 * Answers the rows, each with `series` and `x` where the scenario is a ramp. One that says `mayLose` and has too few results is named in `lost`.
 */
export async function race({ contestants, expected, unit, toValue, x, options, bars = {}, slow = new Set(), lost = [] }) {
  const all = Object.keys(contestants).filter((name) => !slow.has(name))
  const times = Object.fromEntries(all.map((name) => [name, []]))
  for (let round = options.quick ? 0 : -1; round < options.rounds; round++) {
    for (const name of shuffled(all, round + 1)) {
      if (times[name] === undefined || (slow.has(name) && times[name].length > 0)) continue
      tidyUp()
      const begun = performance.now()
      const said = await contestants[name]()
      const whole = performance.now() - begun
      const { answer, ms } = said?.ms === undefined ? { answer: said, ms: whole } : said
      if (said?.mayLose && answer.count < expected.count) {
        // A fact about that peer, and no time to compare with.
        lost.push(`${name}${x === undefined ? '' : `, ${x}`}: LOST ${expected.count - answer.count} of ${expected.count} results`)
        slow.add(name)
        delete times[name]
        continue
      }
      checkAnswer(name, answer, expected)
      if (whole > PATIENCE) slow.add(name)
      // The first round warms up; who is slow is not asked again.
      if (round >= 0 || slow.has(name)) times[name].push(ms)
    }
  }
  const names = Object.keys(times)
  const rows = names.map((name) => {
    const values = times[name].map(toValue)
    const row = { name: x === undefined ? name : `${name}, ${x}`, ...middleOf(values), unit }
    return x === undefined ? row : { ...row, series: name, x }
  })
  const at = (name) => rows[names.indexOf(name)].name
  const ours = names.filter((name) => name.startsWith('velo-stream'))
  for (const peer of names.filter((name) => !ours.includes(name))) {
    // What goes between threads is compared with what does, everything else with our first way.
    const own = peer.startsWith('postMessage') ? ours.filter((name) => name.includes('worker')) : ours.slice(0, 1)
    for (const of of own) {
      const ratios = times[peer].map((ms, round) => ms / (times[of][round] ?? median(times[of])))
      addClaim(rows, { of: at(of), peer: at(peer), bar: bars[peer] }, ratios)
    }
  }
  return rows
}

/** A race at every `x` of a ramp. `at(x)` answers what `race` needs at that point. */
export async function ramp({ xs, at, options, ...group }) {
  const rows = []
  const [slow, lost] = [new Set(), []]
  for (const x of options.quick ? xs.slice(0, 2) : xs) rows.push(...(await race({ ...(await at(x)), x, options, slow, lost })))
  return { ...group, rows, lost }
}
