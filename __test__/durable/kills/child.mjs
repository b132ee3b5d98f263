// The process that is killed: it goes on with the journeys that its parent names, and begins new ones as those end. Its one argument is a life, as lane.mjs plans it.

import { runtime } from 'velo-stream'
import { note } from './notes.mjs'
import { journeyOf } from './plan.mjs'
import { work } from './work.mjs'

const { stores, seed, lane, life, workers, left, next, width, isQuiet, ...place } = JSON.parse(process.argv[2])

/** Less than the events between two states may come to, more than any event does. */
const MAX_BYTES = 5000

const { open } = await import(stores)
const { journals, close } = await open({ ...place, maxBytes: MAX_BYTES, retain: 600_000 }, (damage) => note('wrong', '', damage))
process.stdout.write('ready')
if (workers) runtime.configure({ workers: 1 })
const world = { journals, workers, isQuiet }
let coming = next

/** One journey after the other. */
async function go(list) {
  for (let n = list.shift() ?? (isQuiet ? undefined : coming++); n !== undefined; n = list.shift() ?? (isQuiet ? undefined : coming++))
    await work(journeyOf(seed, lane, n), life, world)
}

await Promise.all(Array.from({ length: width }, () => go(left)))
await close()
note('done')
process.exit()
