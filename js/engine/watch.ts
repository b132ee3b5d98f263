// A look at every live stream of this thread, once a second, while somebody wants to know: how long each has stood where it stands, where all of them spent their time,
// and whose function is stuck. Nothing runs before `watch()` is called, and the hot paths know nothing of it.

import { tenants } from './border/control-block.js'
import { Word } from './border/law.js'
import { native } from './border/native.js'
import { Lease } from './lease.js'
import { STANDS, Stand, standingOf } from './standing.js'

/** ms between two looks. */
const LOOK_MS = 1000
/** Of a function that may be stuck there are so many looks at least before it is told. */
const LOOKS = 4

/** What a look saw of the stream in a row. */
interface Seen {
  generation: number
  stand: number
  /** Events and results, on either side. */
  progress: number
  /** ms of the runtime's clock since which neither has changed. */
  since: number
  isTold: boolean
}

/** By slot. */
const seen: Seen[] = []
const every = setInterval
let timer: NodeJS.Timeout | undefined
let lookedAt = Number.NaN
let stuckAfter = 10_000
let onStuck: (lease: Lease, ms: number) => void = () => {}
let onLook: ((lease: Lease, streams: number) => void) | undefined

/** Looks from now on. */
export function watch(): void {
  if (timer === undefined) restart()
}

/** ms after which a function without an event or a result is told to be stuck; 0 = never. */
export function setStuckAfter(ms: number): void {
  stuckAfter = ms
  if (timer !== undefined) restart()
}

/** Who is told of a function that is stuck, once for each time. */
export function whenStuck(tell: (lease: Lease, ms: number) => void): void {
  onStuck = tell
}

/** Who sees every stream at each look, and how many there are. */
export function whenLooked(see: (lease: Lease, streams: number) => void): void {
  onLook = see
}

/** Every stream of this thread that is not over. */
export function liveStreams(): Lease[] {
  return tenants.filter((tenant) => tenant instanceof Lease)
}

/** ms for which a stream has stood where it stands, and whether it has not moved since a look before. */
export function stoodFor(lease: Lease, stand: number, now: number): { ms: number; isStill: boolean } {
  const { row } = lease
  if (stand === Stand.Admission) return { ms: now - row.word(Word.Duration), isStill: true }
  const last = seen[row.slot]
  const isStill =
    last !== undefined && last.generation === row.word(Word.Generation) && last.stand === stand && last.progress === progressOf(lease)
  if (stand === Stand.Event && row.isWaiting)
    return { ms: Math.min(now - row.word(Word.WaitingSince), now - row.word(Word.Duration)), isStill }
  return { ms: isStill ? now - last.since : 0, isStill }
}

function restart(): void {
  clearInterval(timer)
  const ms = stuckAfter > 0 ? Math.min(LOOK_MS, Math.max(10, stuckAfter / LOOKS)) : LOOK_MS
  lookedAt = native.tellTime()
  timer = every(look, ms).unref()
}

function progressOf({ row }: Lease): number {
  return row.accepted + row.delivered + row.yielded + row.read
}

function look(): void {
  const now = native.tellTime()
  const passed = now - lookedAt
  lookedAt = now
  const spent = new Map<number, number[]>()
  const streams = liveStreams()
  for (const lease of streams) {
    const { row, def, holder } = lease
    const { stand } = standingOf(lease)
    // Before it is compared with the look before: whether it has moved since then is part of what is seen.
    onLook?.(lease, streams.length)
    let times = spent.get(def.fn)
    if (times === undefined) spent.set(def.fn, (times = new Array(STANDS).fill(0)))
    if (stand < STANDS) times[stand] = (times[stand] as number) + passed
    if (holder.mode.isSending && stand !== Stand.Room) times[Stand.Room] = (times[Stand.Room] as number) + passed
    const last = seen[row.slot]
    const progress = progressOf(lease)
    const isNew = last === undefined || last.generation !== row.word(Word.Generation)
    if (isNew) seen[row.slot] = { generation: row.word(Word.Generation), stand, progress, since: now, isTold: false }
    else if (last.stand !== stand || last.progress !== progress) Object.assign(last, { stand, progress, since: now, isTold: false })
    else if (stand === Stand.Code && stuckAfter > 0 && !last.isTold && now - last.since >= stuckAfter) {
      last.isTold = true
      onStuck(lease, now - last.since)
    }
  }
  for (const [fn, times] of spent) native.spent(fn, times)
}
