// Whether a function has taken all that it was given and waits for more, with nothing left to say: what an operator asks of the stream functions that it feeds.
// The key is one of the whole process, so that several copies of this library agree.

/** Key of the property that tells. */
export const STARVES: unique symbol = Symbol.for('velo-stream.starves') as never

/** False also of results that cannot tell. */
export function starves(results: unknown): boolean {
  return (results as { [STARVES]?: unknown } | null)?.[STARVES] === true
}
