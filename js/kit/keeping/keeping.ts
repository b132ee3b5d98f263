// js/kit/keeping: what add-ons know of streams that are kept: by whom, and under which ids. Knows nothing of a journal.
//
// What keeps the streams of a function, where they are durable: for add-ons, which see a stream function and not its options. The key is one of the whole process, so that several copies of
// this library agree.

const KEEPING: unique symbol = Symbol.for('velo-stream.keeping') as never

/** The options of a durable stream function that say how its streams are kept. */
export interface Keeping {
  readonly durable: object
  readonly state: object | undefined
}

export function markKept(fn: object, keeping: Keeping): void {
  ;(fn as { [KEEPING]?: Keeping })[KEEPING] = keeping
}

/** `undefined` where nothing is kept. */
export function keepingOf(fn: object): Keeping | undefined {
  return (fn as { readonly [KEEPING]?: Keeping })[KEEPING]
}

/** Key of what a server needs of a cluster, whose sessions any process serves: on the cluster that users hold. */
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
