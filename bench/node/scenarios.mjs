// The scenarios of streams that are short: how soon one starts, how long an event takes, and how throughput goes with the size of events, the length of streams, their number, and the depth of a pipe. On this thread and
// on a worker, with the batch API and without, beside what people would use instead; peers in Python run in processes of their own, in the same run.

import { versionsOf } from '../peers/places.mjs'
import { document, main } from './harness.mjs'
import { latency, startup } from './scenarios/moments.mjs'
import { depth, length, payload, streams } from './scenarios/ramps.mjs'

export function scenarios(options) {
  const peers = versionsOf(['velo', 'conveyor', 'bytewax', 'flink', 'effect', 'streaming-iterables'])
  const groups = [startup, latency, payload, length, streams, depth]
  return document('scenarios', groups, { ...options, rounds: options.quick ? 1 : Math.min(options.rounds, 5) }, 1, peers)
}

await main(import.meta, scenarios)
