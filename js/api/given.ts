// What calls of a stream function are given beside their source, checked.

import type { LeaseOptions } from '../engine/lease.js'
import { onlyKnown, record, signalOf, streamId, unknownOption } from '../kit/check.js'
import { meant } from '../kit/spelling.js'
import type { OpenOptions, SignalOption } from '../kit/types.js'

/** What `open` was given. */
export function checkOpen(options: OpenOptions): LeaseOptions {
  onlyKnown(options, 'open(options)', ['id', 'signal', 'headers'])
  const { id, headers } = options
  if (id !== undefined) streamId(id, 'open(options).id')
  if (headers !== undefined) record(headers, 'open(options).headers')
  return { id, headers, signal: signalOf(options.signal, 'open(options).signal') }
}

const OF_CALL = ['signal', 'ahead', 'id']

/** `pipeline()` of Node.js calls with a signal, and may add to it what is not ours to refuse: beside a signal only a name that is nearly ours is a mistake. */
export function checkCall(options: object): void {
  const field = 'fn(source, options)'
  record(options, field)
  const isOfNode = 'signal' in options
  for (const [name, value] of Object.entries(options))
    if (!OF_CALL.includes(name) && (!isOfNode || meant(name, OF_CALL) !== undefined))
      throw unknownOption(`${field}.${name}`, name, OF_CALL, value)
}

export function signalIn(options: SignalOption | undefined, field: string): AbortSignal | undefined {
  if (options === undefined) return undefined
  record(options, field)
  return signalOf(options.signal, `${field}.signal`)
}
