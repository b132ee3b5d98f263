// What a stream function may be pulled from, opened. A source is given back at most once, never after it ended or threw.

import type { Failure } from '../../kit/errors.js'

/** Either kind of iterator, and the array where it is one. */
export type Opened<In> =
  | { kind: 'array'; array: readonly In[] }
  | { kind: 'sync'; iterator: Iterator<In> }
  | { kind: 'async'; iterator: AsyncIterator<In>; destroy: (() => void) | undefined }

const arrayIterator = Array.prototype[Symbol.iterator]

/** Key under which a source that is no Node stream tells what it failed with. */
export const FAILURE: unique symbol = Symbol('failure')

/**
 * What a source has failed with already. An abort that comes of that failure is told as that failure: `pipeline()` of Node.js destroys the source before it
 * aborts the functions after it, and would report two errors where they differ.
 */
export function erroredOf(source: unknown): Failure | undefined {
  const { errored, [FAILURE]: failure } = source as { errored?: unknown; [FAILURE]?: Failure | undefined }
  return failure ?? (errored == null ? undefined : { error: errored })
}

export function openSource<In>(source: unknown): Opened<In> {
  if (Array.isArray(source) && source[Symbol.iterator] === arrayIterator) return { kind: 'array', array: source as In[] }
  const iterable = source as AsyncIterable<In> & Iterable<In>
  if (typeof iterable[Symbol.asyncIterator] !== 'function') return { kind: 'sync', iterator: iterable[Symbol.iterator]() }
  // A Node Readable must be destroyed by hand while its iterator has a read pending: its return() would queue behind that read.
  const node = source as { destroy?: () => void; pipe?: unknown }
  const destroy = typeof node.destroy === 'function' && typeof node.pipe === 'function' ? () => void node.destroy?.() : undefined
  return { kind: 'async', iterator: iterable[Symbol.asyncIterator](), destroy }
}
