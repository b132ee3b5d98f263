// What the stages of pipelines have taken and given: added up for each definition on this thread, and reported to Rust at the latest after a second. Streams are too short for a call
// of Rust each.

import { tenants } from '../border/control-block.js'
import { native } from '../border/native.js'

/** ms after which at the latest Rust knows. */
const LATEST_MS = 1000

/** Whose stages are counted. */
interface Counted {
  readonly fn: number
  readonly stages: readonly unknown[]
}

/** Taken and given by each stage in turn. */
type Counts = number[]

/** Streams of this thread that are open and have several stages: without them nobody is looked at. */
let open = 0

/** By the number of its function: what waits to be reported keeps no function in memory. */
const unreported = new Map<number, Counts>()
const wait = setTimeout
let isAwaited = false
let isExitWatched = false

/** A stream with several stages is open, or over. */
export function stagedStreams(more: 1 | -1): void {
  open += more
}

/** Of one stream: what was counted of it. */
export class StreamCounts {
  private readonly def: Counted
  private readonly counted: Counts

  constructor(def: Counted) {
    this.def = def
    this.counted = new Array(2 * def.stages.length).fill(0)
  }

  /** A stage of it has taken and given so many by now. */
  upTo(stage: number, taken: number, given: number): void {
    this.one(2 * stage, taken)
    this.one(2 * stage + 1, given)
  }

  private one(at: number, total: number): void {
    const more = total - (this.counted[at] as number)
    if (more <= 0) return
    this.counted[at] = total
    add(this.def, at, more)
  }
}

function add(def: Counted, at: number, more: number): void {
  let counts = unreported.get(def.fn)
  if (counts === undefined) {
    unreported.set(def.fn, (counts = new Array(2 * def.stages.length).fill(0)))
    awaitReport()
  }
  counts[at] = (counts[at] as number) + more
}

function awaitReport(): void {
  if (isAwaited) return
  isAwaited = true
  wait(report, LATEST_MS).unref()
  if (isExitWatched) return
  isExitWatched = true
  process.once('exit', report)
}

function report(): void {
  isAwaited = false
  for (const [fn, counts] of unreported) tell(fn, counts)
  unreported.clear()
}

function tell(fn: number, counts: Counts): void {
  for (let at = 0; at < counts.length; at += 2) native.staged(fn, at / 2, counts[at] as number, counts[at + 1] as number)
}

/** A function is about to be forgotten. */
export function reportFunction(fn: number): void {
  const counts = unreported.get(fn)
  if (counts === undefined) return
  unreported.delete(fn)
  tell(fn, counts)
}

/** Live streams are counted, and Rust knows everything. */
export function reportStages(): void {
  if (open > 0) for (const tenant of tenants) tenant?.countStages?.()
  report()
}
