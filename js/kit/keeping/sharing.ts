// What a server needs of a cluster, whose sessions any process serves: for add-ons, which know no journals and no brokers. The key is one of the whole process, so that several copies of
// this library agree.

/** Key of it, on the cluster that users hold. */
export const SHARING: unique symbol = Symbol.for('velo-stream.sharing') as never

/** A stream function of a cluster. */
export interface SharedFunction {
  /** As its user gave it. */
  readonly fn: object
  /** For the option `durable`: its streams are sessions then. */
  readonly durable: object
}

export interface Sharing {
  /** By the names under which their sessions are known. */
  readonly functions: ReadonlyMap<string, SharedFunction>
  /** Results of a session that may wait for their reader. */
  readonly backlog: number
}

/** `undefined` for what is no cluster. */
export function sharingOf(value: unknown): Sharing | undefined {
  return typeof value === 'object' && value !== null ? (value as { readonly [SHARING]?: Sharing })[SHARING] : undefined
}
