// What a stream function may be pulled from, opened. A source is given back at most once, never after it ended or threw.

/** Either kind of iterator, and the array where it is one. */
export type Opened<In> =
  | { kind: 'array'; array: readonly In[] }
  | { kind: 'sync'; iterator: Iterator<In> }
  | { kind: 'async'; iterator: AsyncIterator<In>; destroy: (() => void) | undefined }

const arrayIterator = Array.prototype[Symbol.iterator]

export function openSource<In>(source: unknown): Opened<In> {
  if (Array.isArray(source) && source[Symbol.iterator] === arrayIterator) return { kind: 'array', array: source as In[] }
  const iterable = source as AsyncIterable<In> & Iterable<In>
  if (typeof iterable[Symbol.asyncIterator] !== 'function') return { kind: 'sync', iterator: iterable[Symbol.iterator]() }
  // A Node Readable must be destroyed by hand while its iterator has a read pending: its return() would queue behind that read.
  const node = source as { destroy?: () => void; pipe?: unknown }
  const destroy = typeof node.destroy === 'function' && typeof node.pipe === 'function' ? () => void node.destroy?.() : undefined
  return { kind: 'async', iterator: iterable[Symbol.asyncIterator](), destroy }
}
