// Timers that an operator runs for a stream. By themselves they keep no process alive; somebody who waits for the stream does while one of them runs (rule 18). The key is one of
// the whole process, so that several copies of this library agree.

/** Key of the method of a context that counts them. */
export const TIMING: unique symbol = Symbol.for('velo-stream.timing') as never

/** What counts the timers of a stream. */
export interface Timing {
  [TIMING]?(change: 1 | -1): void
}
