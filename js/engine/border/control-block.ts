// The JavaScript side of the control block: pages of rows shared with Rust, the coarse clock, and which stream a row serves.
// The layout is in ARCHITECTURE section 2; Rust decides which row a stream gets.

import { PAGE_ROWS, Refusal, ROW_WORDS } from './law.js'
import { native } from './native.js'

/** What a row tells the stream it serves. */
export interface Tenant {
  readonly id: string
  /** A timer's word on it, or its admission; `seen` is the count the timer saw. */
  verdict(kind: number, seen: number): void
  /** Whether somebody waits for it and one of our timers can still settle that wait (rule 18). */
  holdsProcess(): boolean
  /** The process ends for want of work: whoever is left waiting is told. */
  processEnds(): void
  /** What its stages have taken and given is counted, where it has several. */
  countStages?(): void
  /** The runtime gives up on it: the deadline of a drain passed. */
  giveUp(): void
}

const pages: Float64Array[] = []

/** By slot; `undefined` where no stream is open. */
export const tenants: (Tenant | undefined)[] = []

function addPage(): void {
  pages.push(native.attach())
}

addPage()

/** Word 0 is the coarse clock in ms, published by Rust while a timer needs it. */
export const clock: Float64Array = pages[0] as Float64Array

/** Takes a row for a stream of `fn`: its slot, or a `Refusal`. */
export function openRow(fn: number, idleMs: number): number {
  const slot = native.open(fn, idleMs)
  if (slot !== Refusal.NoRow) return slot
  addPage()
  return native.open(fn, idleMs)
}

export function pageOf(slot: number): Float64Array {
  return pages[Math.floor(slot / PAGE_ROWS)] as Float64Array
}

export function offsetOf(slot: number): number {
  return (slot % PAGE_ROWS) * ROW_WORDS
}
