// Events as the paper draws them: headers and a payload. Checked at the door, so that a function can rely on both.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type StreamFunction, type StreamOptions, streamFn } from '../../index.js'
import { keepingOf } from '../../kit/keeping/keeping.js'

/** What a function gets with `envelope: true`. */
export interface Envelope<Payload = unknown> {
  /** What the sender says about this event; those of the request are in `ctx.headers`. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly payload: Payload
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Takes `{ headers?, payload }` and nothing else. */
export const envelope: StandardSchemaV1<unknown, Envelope> = {
  '~standard': {
    version: 1,
    vendor: 'velo-stream',
    validate(event) {
      if (!isObject(event) || !('payload' in event)) return { issues: [{ message: 'expected { headers, payload }' }] }
      const { headers = {}, payload, ...others } = event
      if (!isObject(headers)) return { issues: [{ message: 'expected an object', path: ['headers'] }] }
      const [other] = Object.keys(others)
      if (other !== undefined) return { issues: [{ message: 'expected { headers, payload } and nothing else', path: [other] }] }
      return { value: { headers, payload } }
    },
  },
}

/** The check before a function that may have a schema of its own. The limits are those of `options`, and so is how it is kept: a pipeline has those of its first stage. */
export function withEnvelope(fn: StreamFunction<never, unknown>, options: StreamOptions): StreamFunction<never, unknown> {
  const { buffer, idleTimeout, maxDuration, closeTimeout, maxConcurrent, queue, maxStall, context } = options
  const { durable, state } = { ...(keepingOf(fn) as StreamOptions | undefined), ...options }
  const limits = { buffer, idleTimeout, maxDuration, closeTimeout, maxConcurrent, queue, maxStall, context, durable, state }
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
  const door = streamFn(opened, { name: 'envelope', ...given, schema: envelope })
  return door.pipe(fn as StreamFunction<unknown, unknown>) as StreamFunction<never, unknown>
}

async function* opened(events: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  yield* events
}
