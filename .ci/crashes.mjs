// Kills processes that have durable streams open, with -9 at moments and over streams that a seed decides, and holds what they come back with against a model:
//
//   node .ci/crashes.mjs [--kills 1000] [--seed N] [--lanes 2]
//
// Fails with the first thing that must not be, and says how to repeat the run. `dist/` must be built.

import { parseArgs } from 'node:util'
import { crashes, said } from '../__test__/durable/kills/tester.mjs'

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' }, lanes: { type: 'string' } } })
const kills = Number(values.kills ?? 1000)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const lanes = Number(values.lanes ?? 2)

console.log(`seed ${seed}, ${kills} kills, ${lanes} folders at a time`)
const onKill = (count) => {
  if (count % 100 === 0) console.log(`${count} kills`)
}
const done = await crashes({ seed, kills, lanes, onKill })
console.log(said(done))
if (done.wrongs.length > 0) {
  console.error(`${done.wrongs.join('\n')}\nagain: node .ci/crashes.mjs --kills ${kills} --seed ${seed} --lanes ${lanes}`)
  process.exitCode = 1
}
