// js/kit/sight: what can be seen of the library from outside it: numbers, streams, lines, spans. Has only the shapes, and the places where they are asked for or brought.
//
// All numbers of the process for a monitoring system: what `velo-stream/telemetry` asks of the library, and nobody else is offered. The key is one of the whole
// process.

import type { FunctionMetrics, Snapshot } from '../types.js'

/** Key of the property of `runtime` that measures. */
export const MEASURES: unique symbol = Symbol.for('velo-stream.measures') as never

/** How latencies spread over bounds; microseconds. */
export interface Spread {
  /** Samples at or below each bound. */
  readonly atMost: readonly number[]
  /** Of all samples. */
  readonly sum: number
  readonly samples: number
}

/** Where streams spent their time, seconds. */
export interface Spent {
  readonly admission: number
  readonly event: number
  readonly reader: number
  readonly room: number
  readonly journal: number
  readonly code: number
}

/** What a stage of pipelines has taken and given; the name is empty for what is left of very many names. */
export interface StageMeasures {
  readonly name: string
  readonly placement: 'local' | 'worker'
  readonly eventsIn: number
  readonly eventsOut: number
}

/** All functions of one name and placement, those that were collected included; the name is empty for what is left of very many names. */
export interface FunctionMeasures extends Omit<FunctionMetrics, 'processing'> {
  readonly placement: 'local' | 'worker'
  readonly bytesIn: number
  readonly bytesOut: number
  readonly eventsBuffered: number
  readonly resultsBuffered: number
  readonly spent: Spent
  readonly latencySpread: Spread
  readonly processingSpread: Spread
  /** Of pipelines: stages of one name and placement are one. */
  readonly stages: readonly StageMeasures[]
}

/** The process. */
export interface Measures extends Omit<Snapshot, 'functions'> {
  readonly functions: readonly FunctionMeasures[]
  /** Worker threads of this thread since the start: how many were started, and how many ended without being asked to. */
  readonly workerStarts: number
  readonly workerLosses: number
}

/** What is asked for. */
export interface MeasuresQuestion {
  /** Latencies spread over them: microseconds, which ascend. */
  readonly bounds: readonly number[]
  /** Names of functions that are told apart, and how many there may be of them; the others share the empty name. */
  readonly names: readonly string[]
  readonly most: number
}

/** Asks for them, in one call of Rust. */
export function measuresOf(runtime: object, question: MeasuresQuestion): Measures {
  return (runtime as { [MEASURES]: (question: MeasuresQuestion) => Measures })[MEASURES](question)
}
