// Who makes a span of each stream: nobody, until `instrument()` of `velo-stream/telemetry` says so. The library knows no tracing system; it says what happens, and runs the function in
// the context that it is given.

import type { StreamEnd, StreamHeaders } from '../types.js'

/** A stream that is about to be opened. */
export interface Opening {
  /** Name of its stream function. */
  readonly name: string
  readonly placement: 'local' | 'worker'
  readonly headers: StreamHeaders | undefined
}

/** The span of one stream. */
export interface StreamSpan {
  /** What its function gets as headers: those that were given, and what takes the context to other threads. */
  readonly headers: StreamHeaders
  /** Does something in its context, in which the function shall run. */
  within<Value>(work: () => Value): Value
  /** It is open. */
  opened(id: string): void
  /** It gets no place. */
  refused(error: unknown): void
  /** Its first result came. */
  firstResult(): void
  ended(end: StreamEnd): void
}

export interface StreamTracer {
  /** `undefined`: it makes none of this stream. Must not throw, as nothing of a span may. */
  open(opening: Opening): StreamSpan | undefined
  /** On a worker thread: does something in the context that the headers of a stream bring. */
  arrive<Value>(headers: StreamHeaders, work: () => Value): Value
}

let tracers: readonly StreamTracer[] = []

/** Tells it of every stream that is opened from now on, until what this answers is called; of several, only the one that came last. */
export function traceWith(given: StreamTracer): () => void {
  tracers = [...tracers, given]
  return () => {
    tracers = tracers.filter((tracer) => tracer !== given)
  }
}

export function currentTracer(): StreamTracer | undefined {
  return tracers.at(-1)
}
