// What is sent becomes records: checked by the schema, then encoded. Owns no order.

import { validateAll, validateNow } from '../../../engine/channels/schema.js'
import { shared } from '../../../workers/codec/bytes/slab.js'
import { encodeRecord } from '../../../workers/codec/late-record.js'
import type { IntakeOwner } from './intake-owner.js'
import type { Accepted } from './part.js'

type Checks = Pick<IntakeOwner, 'id' | 'codec' | 'schema'>

/** The records of events; a promise where the schema is asynchronous. Throws what the schema or the codec refuses. */
export function recordsOf(events: readonly unknown[], { id, codec, schema }: Checks): Accepted[] | Promise<Accepted[]> {
  const encoded = (all: readonly unknown[]): Accepted[] => all.map((event) => recorded(event, codec))
  if (schema === undefined) return encoded(events)
  const checked = validateAll(schema, events, id)
  return checked instanceof Promise ? checked.then(encoded) : encoded(checked)
}

/** The record of one event, at once. */
export function recordOf(event: unknown, { id, codec, schema }: Checks): Accepted {
  return recorded(schema === undefined ? event : validateNow(schema, event, id), codec)
}

function recorded(event: unknown, codec: Checks['codec']): Accepted {
  return { at: 0, end: false, bytes: encodeRecord(event, codec, shared) }
}
