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

const CLUSTERS: unique symbol = Symbol.for('velo-stream.clusters') as never

/** This process in the cluster of one prefix: a plain object. */
export interface ClusterMetrics {
  readonly prefix: string
  /** Sessions that this process hosts. */
  readonly hosted: number
  /** Handles of sessions that it has open, those of clients that it serves among them. */
  readonly open: number
  /** Sessions that it took over from processes that died. */
  readonly takeovers: number
  /** Commits of sessions that it hosts, or did. */
  readonly commits: number
  /** Events of hosted sessions that came here, and of which the server does not know yet that they were taken. */
  readonly lag: number
  /** Sessions that it gave up. */
  readonly deadLetters: number
  /** Waits for replicas (`wait`) that ended before these had it. */
  readonly unreplicated: number
}

type Numbers = () => ClusterMetrics

function all(): Set<Numbers> {
  const process = globalThis as { [CLUSTERS]?: Set<Numbers> }
  process[CLUSTERS] ??= new Set()
  return process[CLUSTERS]
}

/** From now on they are shown; answers what ends that. */
export function showCluster(numbers: Numbers): () => void {
  all().add(numbers)
  return () => void all().delete(numbers)
}

/** Of each prefix one, in which all of this process are summed. */
export function clusterMetrics(): ClusterMetrics[] {
  const byPrefix = new Map<string, ClusterMetrics>()
  for (const numbers of all()) {
    const one = numbers()
    const sum = byPrefix.get(one.prefix)
    byPrefix.set(one.prefix, sum === undefined ? one : added(sum, one))
  }
  return [...byPrefix.values()]
}

function added(a: ClusterMetrics, b: ClusterMetrics): ClusterMetrics {
  return {
    prefix: a.prefix,
    hosted: a.hosted + b.hosted,
    open: a.open + b.open,
    takeovers: a.takeovers + b.takeovers,
    commits: a.commits + b.commits,
    lag: a.lag + b.lag,
    deadLetters: a.deadLetters + b.deadLetters,
    unreplicated: a.unreplicated + b.unreplicated,
  }
}
