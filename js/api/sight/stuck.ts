// A function that is stuck is told once: to subscribers of `velo:stream:stuck` and to the log, with the place where it stands where V8 knows it.

import type { Lease } from '../../engine/lease.js'
import { locate, locateElsewhere } from '../../engine/location.js'
import { type StuckStream, stuckStreams } from '../../engine/tracing.js'
import { isLogged, line } from '../../kit/sight/log.js'
import { shape } from './inspect.js'

/** Where it stands, as far as that can be told. */
interface Found {
  readonly stage?: string | undefined
  readonly at?: string[] | undefined
}

async function placeOf({ holder: { driver } }: Lease): Promise<Found> {
  const { name: stage, generator, remote } = (await driver.links?.standing()) ?? { generator: driver.generator, remote: driver.remotes[0] }
  if (remote === undefined) return { stage, at: generator === null ? undefined : await locate(generator) }
  const place = remote.place()
  return { at: place && (await locateElsewhere(place.thread, place.segment)) }
}

/** Never rejects. */
export async function tellStuck(lease: Lease, ms: number): Promise<void> {
  if (!stuckStreams.hasSubscribers && !isLogged()) return
  const { id, function: name, stage, placement, thread } = shape(lease)
  const told: StuckStream = { id, function: name, placement, thread, waitingMs: Math.round(ms) }
  // Whatever the inspector cannot do is no reason to say nothing.
  const found: Found = await placeOf(lease).catch(() => ({}))
  const known = stage ?? found.stage
  if (known !== undefined && known !== name) told.stage = known
  if (found.at !== undefined) told.at = found.at
  stuckStreams.publish(told)
  const { id: stream, ...fields } = told
  line(
    'warn',
    { code: 'velo:stream-stuck', stream, ...fields },
    `stream ${id}: its function has worked for ${Math.round(ms)} ms without an event or a result`,
  )
}
