// A stream that must make the same results in the same order whenever it is given the same events again. The key is one of the whole process, so that several copies of
// this library agree.

/** Key of the property of a context that says so. */
export const ORDERED: unique symbol = Symbol.for('velo-stream.ordered') as never

/** What knows of it. */
export interface Ordered {
  readonly [ORDERED]?: boolean
}
