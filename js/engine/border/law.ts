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
export const Input = {
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
