// The numbers both languages share. Generated from crates/velo-core; do not edit.
// Command: cargo run -p velo-core --example law > js/engine/border/law.ts

/** 64-bit words of a row of the control block. */
export const ROW_WORDS = 16

/** Rows of a page. */
export const PAGE_ROWS = 1024

/** Word of the first page that holds the coarse clock, ms. */
export const CLOCK = 0

/** One event in this many is timed. */
export const SAMPLE_EVERY = 64

/** Offsets inside a row. */
export const Word = {
  State: 0,
  Generation: 1,
  Accepted: 2,
  Delivered: 3,
  Yielded: 4,
  Read: 5,
  DroppedEvents: 6,
  DroppedResults: 7,
  Waiting: 8,
  WaitingSince: 9,
  UnreadSince: 10,
  P50: 11,
  P95: 12,
  P99: 13,
  Duration: 14,
  Samples: 15,
} as const

/** Where a stream is in its life. */
export const State = {
  Waiting: 0,
  Open: 1,
  Ending: 2,
  Closing: 3,
  Closed: 4,
} as const

/** Why a stream ended, or is about to. */
export const Reason = {
  None: 0,
  Done: 1,
  Closed: 2,
  Idle: 3,
  Aborted: 4,
  Failed: 5,
} as const

/** What happens to a stream: second argument of `step`. */
export const Trigger = {
  Admit: 0,
  End: 1,
  Idle: 2,
  Close: 3,
  Abort: 4,
  Return: 5,
  Throw: 6,
  Expire: 7,
} as const

/** What a transition asks for; bits of the answer of `step`. */
export const Effect = {
  None: 0,
  StopInput: 1,
  Unwind: 2,
  Finish: 4,
  LeaveLine: 8,
  Detach: 16,
  Mail: 32,
} as const

/** Where a generator is in its life; from `Releasing` on it has finished. */
export const Life = {
  NotStarted: 0,
  Running: 1,
  Suspended: 2,
  Unwinding: 3,
  Detached: 4,
  DetachedUnwinding: 5,
  Releasing: 6,
  GivingBack: 7,
  DetachedReleasing: 8,
  Finished: 9,
} as const

/** What happens to a generator. */
export const LifeTrigger = {
  Ask: 0,
  Yield: 1,
  Return: 2,
  End: 3,
  Clear: 4,
  Released: 5,
  GiveUp: 6,
} as const

/** How many inputs there are: the width of `NEXT_LIFE`. */
export const LIFE_TRIGGERS = 7

/** The next life, at `life * LIFE_TRIGGERS + input`; -1 where the input is illegal. */
export const NEXT_LIFE: readonly number[] = [
  1, -1, 3, 6, -1, -1, -1, // NotStarted
  -1, 2, -1, 6, -1, -1, 4, // Running
  1, -1, 3, -1, -1, -1, -1, // Suspended
  3, 3, -1, 6, -1, -1, 5, // Unwinding
  -1, 4, 5, 9, -1, -1, -1, // Detached
  5, 5, -1, 9, -1, -1, -1, // DetachedUnwinding
  -1, -1, -1, -1, 7, 9, 8, // Releasing
  -1, -1, -1, -1, -1, 9, -1, // GivingBack
  -1, -1, -1, -1, -1, 9, -1, // DetachedReleasing
  -1, -1, -1, -1, -1, -1, -1, // Finished
]

/** Timers of a stream. */
export const Timer = {
  Idle: 0,
  Duration: 1,
  Stall: 2,
  Close: 3,
} as const

/** First word of a verdict. */
export const Verdict = {
  Idle: 1,
  Duration: 2,
  Stall: 3,
  Close: 4,
  Timer: 5,
  Admitted: 6,
  DrainAbort: 7,
  Drained: 8,
  Trouble: 9,
} as const

/** What a verdict of trouble is about: its second word. */
export const Trouble = {
  Panic: 1,
  Timer: 2,
  NoTimer: 3,
} as const

/** Second argument of `grant`. */
export const Side = {
  Input: 0,
  Output: 1,
} as const

/** Second argument of `join` and `part`. */
export const End = {
  Sender: 0,
  Receiver: 1,
} as const

/** Answers of `open` that are no slot. */
export const Refusal = {
  Overloaded: -1,
  Draining: -2,
  NoRow: -3,
  Detached: -4,
} as const
