// What a stream waits for, seen from its row, its generator and its threads. Nothing is kept for that while it works: this is for whoever looks, now and then.

import { Life, State, Word } from './border/law.js'
import type { Row } from './border/row.js'
import type { Lease } from './lease.js'
import type { Links } from './stages/links.js'
import type { Remote } from './stages/stage.js'

/** Where the function of a stream stands; the numbers are places of what Rust adds up. */
export const Stand = { Admission: 0, Event: 1, Reader: 2, Room: 3, Journal: 4, Code: 5, Nothing: 6 } as const

/** How many of them Rust adds up. */
export const STANDS = 6

export interface Standing {
  readonly stand: number
  /** The stage that stands there, in a pipeline, where that can be told. */
  readonly stage: string | undefined
}

/** Where a stream stands. A send that waits is another matter: the function has its own. */
export function standingOf({ row, holder, def }: Lease): Standing {
  const first = def.stages[0]?.name
  if (row.state === State.Waiting) return { stand: Stand.Admission, stage: undefined }
  const { driver, mode } = holder
  const { life } = driver
  const waits = mode.isKeeping === true ? Stand.Journal : Stand.Event
  if (life === Life.NotStarted) return { stand: mode.isPulled ? Stand.Reader : waits, stage: first }
  if (life === Life.Suspended) return { stand: Stand.Reader, stage: def.stages.at(-1)?.name }
  if (life >= Life.Releasing) return { stand: Stand.Nothing, stage: undefined }
  if (def.remote) return elsewhere({ row, holder, def }, waits)
  const asks = row.isWaiting || driver.inlet?.isAsked === true
  return asks ? { stand: waits, stage: first } : { stand: Stand.Code, stage: def.stages.length === 1 ? first : undefined }
}

/** How much is in the channels of a stream. */
export function bufferedOf(row: Row): { events: number; results: number } {
  const events = row.accepted - row.delivered - row.word(Word.DroppedEvents)
  // Where nothing waits unread, results go to their reader at once, and their reads are not counted.
  const results = row.word(Word.UnreadSince) > 0 ? row.yielded - row.read - row.droppedResults : 0
  return { events: Math.max(0, events), results: Math.max(0, results) }
}

/** Of a stream with one stage, which runs on another thread; `undefined`: it waits for an event. */
function alone([remote]: readonly Remote[]): ReturnType<Links['stands']> {
  const standing = remote?.stands()
  return standing === undefined || standing.waits === 'event' ? undefined : { ...standing, isLast: true }
}

/** Where some stages run on other threads: the last one that is at work. */
function elsewhere({ row, holder, def }: Pick<Lease, 'row' | 'holder' | 'def'>, waits: number): Standing {
  const { driver } = holder
  const standing = driver.links === null ? alone(driver.remotes) : driver.links.stands(driver.inlet?.isAsked === true)
  if (standing !== undefined) {
    const { stage, waits, isLast } = standing
    if (waits === 'reader') return isLast ? { stand: Stand.Reader, stage } : { stand: Stand.Code, stage: undefined }
    return { stand: waits === 'start' ? Stand.Nothing : Stand.Code, stage }
  }
  const first = def.stages[0]
  const { events } = bufferedOf(row)
  // Events that were accepted, or results of a stage, are on their way to the next one: that is no wait for an event, as for the idle timeout.
  return { stand: events > 0 || !driver.awaitsEvent ? Stand.Nothing : waits, stage: first?.name }
}
