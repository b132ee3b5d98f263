// A faster way for the results of a chain: values are handed over by calls, with no promise between two of them. The core knows it by the same key
// (js/kit/push.ts), and offers it where it runs a source; the two files say the same.

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
