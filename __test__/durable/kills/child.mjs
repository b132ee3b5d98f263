// The process that is killed: it goes on with the journeys that its parent names, and begins new ones as those end. Its one argument is a life, as lane.mjs plans it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runtime } from 'velo-stream'
import { Inspector, journal } from 'velo-stream/durable'
import { note } from './notes.mjs'
import { journeyOf } from './plan.mjs'
import { work } from './work.mjs'

const { folder, seed, lane, life, sync, workers, left, next, width, isQuiet, verifies } = JSON.parse(process.argv[2])

/** Less than the events between two states may come to, more than any event does. */
const MAX_BYTES = 5000

process.stdout.write('ready')
if (workers) runtime.configure({ workers: 1 })
if (verifies && existsSync(join(folder, 'journal.redb'))) await verify()
const journals = {
  forgetting: journal(folder, { sync }),
  retaining: journal(folder, { sync, retain: 600_000 }),
  bounded: journal(folder, { sync, maxBytes: MAX_BYTES }),
}
const world = { journals, workers, isQuiet }
let coming = next

/** One journey after the other. */
async function go(list) {
  for (let n = list.shift() ?? (isQuiet ? undefined : coming++); n !== undefined; n = list.shift() ?? (isQuiet ? undefined : coming++))
    await work(journeyOf(seed, lane, n), life, world)
}

await Promise.all(Array.from({ length: width }, () => go(left)))
await journals.forgetting.close()
await journals.retaining.close()
await journals.bounded.close()
await verify()
note('done')
process.exit()

async function verify() {
  const inspector = new Inspector(folder)
  for (const damage of await inspector.verify()) note('wrong', '', damage)
  await inspector.close()
}
