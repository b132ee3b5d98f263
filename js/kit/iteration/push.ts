// A faster way from a source to the results of `run`: values are handed over by calls, with no promise between two of them. Whoever can do that has a
// method of this name; whoever cannot is pulled with next() as ever. The key is one of the whole process, so that
// several copies of this library agree.

/** Key of the method that starts handing values to a sink. */
export const PUSH: unique symbol = Symbol.for('velo-stream.push') as never

/** Takes values. */
export interface Sink {
  /** False: no more by this way; the rest, if wanted, is pulled. */
  value(value: unknown): boolean
  /** There are no more, or the wait for them was ended. */
  ended(): void
  threw(error: unknown): void
}

export interface Pushing {
  [PUSH](sink: Sink): void
}

export function canPush(source: unknown): source is Pushing {
  return typeof (source as Partial<Pushing> | null)?.[PUSH] === 'function'
}
