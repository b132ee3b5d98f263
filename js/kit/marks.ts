// What an operator says that has several events in work at once: how many of them are done. Whoever acknowledges events asks. The keys are those of the whole process, so
// that several copies of this library agree.

/** Once so many of the results were given, so many of the events were done, counted from the first. */
export interface Mark {
  readonly results: number
  readonly events: number
  /** The results up to there come from no other events: what is done may be stored together with them. */
  readonly exact: boolean
}

/** Key of the method of a generator that answers its mark; `undefined`: every event before the one it asked for last is done. Asked before the first `next()`, it begins to count. */
export const MARK: unique symbol = Symbol.for('velo-stream.mark') as never

/** Key of a generator function whose generators take events before the results of earlier ones are there. */
export const HOLDS: unique symbol = Symbol.for('velo-stream.holds') as never

export interface Marking {
  [MARK](): Mark | undefined
}

export function markOf(generator: unknown): Mark | undefined {
  return (generator as Partial<Marking> | null)?.[MARK]?.()
}

export function holds(fn: unknown): boolean {
  return (fn as { [HOLDS]?: unknown } | null)?.[HOLDS] === true
}
