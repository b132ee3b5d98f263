// What the bytes of a journal say, for whoever looks into one without the function that they are of.

import type { StreamEnd } from '../kit/types.js'
import { decodeRecord, decodeThrown } from '../workers/codec/late-record.js'
import type { ExportPart } from './embedded/inspector.js'
import { readOutcome } from './harness/outcome-record.js'
import { readEnd } from './stream/commits/end.js'

/**
 * The value that bytes of a journal stand for, as `inspector.export(keptValue)` takes it. A state is `{ state, at, random, counts }`, an outcome of `ctx.run` is `{ name, turn }`, and its `key` if it has one, with its
 * `value` or what it has `thrown`, an end is `{ reason, events, results }` with its `value` or `error`. What a codec of the user wrote stays bytes.
 *
 * @throws VeloError `VELO_CODEC` for bytes that no stream has written.
 */
export function keptValue(bytes: Uint8Array, part: ExportPart): unknown {
  switch (part) {
    case 'event':
    case 'output':
      return recorded(bytes)
    case 'state':
      return decodeRecord(bytes, 'structured')
    case 'outcome': {
      const { name, turn, key, value, thrown } = readOutcome(bytes)
      const step = { name, turn, ...(key !== undefined && { key }) }
      if (thrown !== undefined) return { ...step, thrown: decodeThrown(thrown) }
      return { ...step, value: value === undefined ? undefined : recorded(value) }
    }
    case 'over': {
      const { end, events, results } = readEnd(bytes)
      const { reason, value, error }: StreamEnd = end
      return { reason, events, results, ...(value !== undefined && { value }), ...(error !== undefined && { error }) }
    }
  }
}

/** What a codec of the user wrote is given as it is. */
function recorded(record: Uint8Array): unknown {
  return decodeRecord(record, { encode: () => record, decode: (bytes) => bytes })
}
