// `diagnostics_channel` tracing of streams: tracing:velo:stream:{start,end,asyncStart,asyncEnd,error}. Nothing is built without a subscriber.

import { channel as plainChannel, tracingChannel } from 'node:diagnostics_channel'
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

/** What subscribers of `velo:stream:stuck` get: a stream whose function has been at work for long without taking an event or giving a result. */
export interface StuckStream {
  id: string
  /** Name of its stream function. */
  function: string
  /** In a pipeline: the stage, where that can be told. */
  stage?: string
  placement: 'local' | 'worker'
  thread: number
  /** For so long, ms. */
  waitingMs: number
  /** The place in its code where it stands, `file:line:column`, outermost last, where V8 can tell: the await that is pending, or, on a worker thread that computes, its stack. */
  at?: string[]
}

export const stuckStreams = plainChannel('velo:stream:stuck')

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
