// `diagnostics_channel` tracing of streams: tracing:velo:stream:{start,end,asyncStart,asyncEnd,error}. Nothing is built without a subscriber.

import { tracingChannel } from 'node:diagnostics_channel'
import type { StreamEnd } from '../kit/types.js'

/** What subscribers get; the same object through the life of one stream. */
export interface StreamTrace {
  /** Id of the stream. */
  id: string
  /** Name of its stream function. */
  name: string
  /** How it ended, from `asyncStart` on. */
  result?: StreamEnd
  /** What it failed with, in `error` and after. */
  error?: unknown
}

const channel = tracingChannel<unknown, StreamTrace>('velo:stream')
const { start, end, asyncStart, asyncEnd, error } = channel

/** Whether anybody listens. */
export function traced(): boolean {
  return start.hasSubscribers || end.hasSubscribers || asyncStart.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers
}

export function traceOpen(trace: StreamTrace): void {
  start.publish(trace)
  end.publish(trace)
}

export function traceEnd(trace: StreamTrace, result: StreamEnd): void {
  trace.result = result
  if ('error' in result) {
    trace.error = result.error
    error.publish(trace)
  }
  asyncStart.publish(trace)
  asyncEnd.publish(trace)
}
