// chunk: arrays of events.

import { onlyKnown } from '../../kit/check.js'
import { type Operator, operator } from '../steps/operator.js'
import { CHUNK_NAMES, type ChunkOptions, Chunks, sizesOf } from './chunks.js'

/**
 * Gathers events into arrays, by size and by time. What is left at the end of the stream is the last array; before an error of the source, too.
 *
 * @example
 * await chunk({ maxSize: 2 }).run([1, 2, 3]) // [[1, 2], [3]]
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function chunk<In>(options: ChunkOptions = {}): Operator<In, In[]> {
  onlyKnown(options, 'chunk(options)', CHUNK_NAMES)
  const sizes = sizesOf(options, 'chunk(options)')
  return operator('chunk', (counts) => ({ make: (events, ctx) => new Chunks(sizes, counts, events, ctx), steps: [] }))
}
