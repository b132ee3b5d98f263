// The table of all metrics: names, units and meanings, and how each is read from the numbers of the process. Names follow the rules of Prometheus: base units, `_total` for what
// only grows. Not here: how they are written, and how many names of functions there may be (names.ts).

import type { JournalMetrics } from '../kit/journal-metrics.js'
import type { FunctionMeasures, Measures, Spread, StageMeasures } from '../kit/sight/measures.js'

/** Labels of a sample. */
export type Labels = Readonly<Record<string, string | number>>

/** One number of a family. */
export interface MetricSample {
  readonly labels: Labels
  readonly value: number
}

/** What latencies are counted into: of each labels the samples at or below each bound, their sum, and how many there are. */
export interface HistogramSample {
  readonly labels: Labels
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

/** All samples of one name. Of a counter the name is without `_total`. */
export type MetricFamily =
  | { readonly name: string; readonly type: 'gauge' | 'counter'; readonly help: string; readonly samples: readonly MetricSample[] }
  | {
      readonly name: string
      readonly type: 'histogram'
      readonly help: string
      /** Upper bounds in the unit of the name, which ascend; +Inf goes without saying. */
      readonly bounds: readonly number[]
      readonly samples: readonly HistogramSample[]
    }

/** Bounds of the histograms of latencies, seconds. */
export const BOUNDS = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

type OfFunction = readonly [name: string, type: 'gauge' | 'counter', help: string, value: (of: FunctionMeasures) => number]

const OF_FUNCTIONS: readonly OfFunction[] = [
  ['velo_streams_open', 'gauge', 'Streams that are open.', (of) => of.streamsOpen],
  ['velo_streams_waiting', 'gauge', 'Streams in line for a place.', (of) => of.streamsWaiting],
  ['velo_streams_detached', 'gauge', 'Functions that go on although their stream is over.', (of) => of.streamsDetached],
  ['velo_streams_opened', 'counter', 'Streams opened.', (of) => of.streamsOpened],
  ['velo_streams_refused', 'counter', 'Streams refused for lack of a place.', (of) => of.streamsRefused],
  ['velo_events_in', 'counter', 'Events accepted.', (of) => of.eventsIn],
  ['velo_events_out', 'counter', 'Results yielded.', (of) => of.eventsOut],
  ['velo_events_dropped', 'counter', 'Events accepted but never given to the function.', (of) => of.dropped.events],
  ['velo_results_dropped', 'counter', 'Results yielded but never read.', (of) => of.dropped.results],
  ['velo_overruns', 'counter', 'Sends refused because too many waited.', (of) => of.overruns],
  ['velo_late_errors', 'counter', 'Errors thrown by functions whose stream was over, which nobody got.', (of) => of.lateErrors],
  ['velo_events_buffered', 'gauge', 'Events that wait in open streams.', (of) => of.eventsBuffered],
  ['velo_results_buffered', 'gauge', 'Results that wait in open streams to be read.', (of) => of.resultsBuffered],
  [
    'velo_room_wait_seconds',
    'counter',
    'Time during which sends waited for room, summed over streams; looked at once a second.',
    (of) => of.spent.room,
  ],
]

/** Only where values travel to worker threads. */
const OF_THREADS: readonly OfFunction[] = [
  ['velo_bytes_in', 'counter', 'Bytes that events became on their way to worker threads.', (of) => of.bytesIn],
  ['velo_bytes_out', 'counter', 'Bytes that results became on their way from worker threads.', (of) => of.bytesOut],
]

type OfJournal = readonly [name: string, type: 'gauge' | 'counter', help: string, value: (of: JournalMetrics) => number]

const OF_JOURNALS: readonly OfJournal[] = [
  ['velo_journal_streams', 'gauge', 'Streams that a journal keeps, retained ends among them.', (of) => of.streams],
  ['velo_journal_bytes', 'gauge', 'Bytes that a journal keeps of them.', (of) => of.bytes],
  ['velo_journal_file_bytes', 'gauge', 'Bytes of its file on disk.', (of) => of.fileBytes],
  ['velo_journal_queued', 'gauge', 'Submissions that wait for its writer.', (of) => of.queued],
  ['velo_journal_queued_bytes', 'gauge', 'Bytes of them.', (of) => of.queuedBytes],
  [
    'velo_journal_commit_p50_seconds',
    'gauge',
    'Half of its last 1024 commits took no longer, their syncs included.',
    (of) => of.commitLatency.p50 / 1e6,
  ],
  ['velo_journal_commit_p99_seconds', 'gauge', 'Of its last 1024 commits 99 % took no longer.', (of) => of.commitLatency.p99 / 1e6],
  ['velo_journal_events', 'counter', 'Events appended to a journal.', (of) => of.events],
  ['velo_journal_commands', 'counter', 'Commands that it did: appends, commits, reads, openings.', (of) => of.commands],
  ['velo_journal_commits', 'counter', 'Transactions of its store.', (of) => of.commits],
  ['velo_journal_syncs', 'counter', 'Syncs of its file.', (of) => of.syncs],
  ['velo_journal_written_bytes', 'counter', 'Bytes written to its file.', (of) => of.writtenBytes],
  ['velo_journal_replays', 'counter', 'Streams opened that had been kept.', (of) => of.replays],
  ['velo_journal_replayed_events', 'counter', 'Events read back for them.', (of) => of.replayedEvents],
  ['velo_journal_refused', 'counter', 'Appends and commits refused because a stream keeps too many bytes.', (of) => of.refused],
  ['velo_journal_reopened', 'counter', 'Times that its store failed and was opened again.', (of) => of.reopened],
]

const OF_STAGES: readonly (readonly [name: string, help: string, value: (of: StageMeasures) => number])[] = [
  ['velo_stage_events_in', 'Events that a stage of a pipeline has taken.', (of) => of.eventsIn],
  ['velo_stage_events_out', 'Events that a stage of a pipeline has given.', (of) => of.eventsOut],
]

/** Where a function stands: the label of `velo_stream_state_seconds`. */
export const STATES = ['admission', 'event', 'reader', 'journal', 'code'] as const

const labelsOf = ({ name, placement }: FunctionMeasures): Labels => ({ function: name, placement })

/** All families, of functions whose names are bounded already. */
export function familiesOf(measures: Measures, functions: readonly FunctionMeasures[]): MetricFamily[] {
  const simple = ([name, type, help, value]: OfFunction, of: readonly FunctionMeasures[]): MetricFamily => ({
    name,
    type,
    help,
    samples: of.map((one) => ({ labels: labelsOf(one), value: value(one) })),
  })
  const { journals, workers, workerStarts, workerLosses, bytesBuffered } = measures
  const ofThread = (value: (worker: Measures['workers'][number]) => number) =>
    workers.map((worker) => ({ labels: { thread: worker.thread }, value: value(worker) }))
  const one = (value: number) => [{ labels: {}, value }]
  return [
    ...OF_FUNCTIONS.map((row) => simple(row, functions)),
    ...OF_THREADS.map((row) =>
      simple(
        row,
        functions.filter(({ placement }) => placement === 'worker'),
      ),
    ),
    {
      name: 'velo_streams_closed',
      type: 'counter',
      help: 'Streams that ended, by reason.',
      samples: functions.flatMap((of) =>
        Object.entries(of.closedBy).map(([reason, value]) => ({ labels: { ...labelsOf(of), reason }, value })),
      ),
    },
    ...OF_STAGES.map(([name, help, value]): MetricFamily => ({ name, type: 'counter', help, samples: ofStages(functions, value) })),
    {
      name: 'velo_stream_state_seconds',
      type: 'counter',
      help: 'Time that streams spent in line, waiting for an event, for a reader, for a journal, or in user code; looked at once a second.',
      samples: functions.flatMap((of) => STATES.map((state) => ({ labels: { ...labelsOf(of), state }, value: of.spent[state] }))),
    },
    histogram(
      'velo_latency_seconds',
      'From an accepted event to the moment its result is taken; one event in 64 is timed.',
      functions,
      'latencySpread',
    ),
    histogram(
      'velo_processing_seconds',
      'From an accepted event to the moment the function asks for the next one; one event in 64 is timed.',
      functions,
      'processingSpread',
    ),
    {
      name: 'velo_buffered_bytes',
      type: 'gauge',
      help: 'Bytes that wait in the streams of HTTP and WebSocket.',
      samples: one(bytesBuffered),
    },
    ...OF_JOURNALS.map(([name, type, help, value]): MetricFamily => {
      const samples = journals.map((journal) => ({ labels: { journal: journal.path }, value: value(journal) }))
      // Where there was no commit, it took no time.
      return { name, type, help, samples: samples.filter(({ value }) => !Number.isNaN(value)) }
    }),
    { name: 'velo_workers', type: 'gauge', help: 'Worker threads that run.', samples: one(workers.length) },
    { name: 'velo_worker_starts', type: 'counter', help: 'Worker threads that were started.', samples: one(workerStarts) },
    {
      name: 'velo_worker_restarts',
      type: 'counter',
      help: 'Worker threads that ended without being asked to.',
      samples: one(workerLosses),
    },
    { name: 'velo_worker_streams', type: 'gauge', help: 'Streams on a worker thread.', samples: ofThread(({ streams }) => streams) },
    {
      name: 'velo_worker_busy_ratio',
      type: 'gauge',
      help: 'Part of its time that a worker thread was busy lately.',
      samples: ofThread(({ busy }) => busy),
    },
  ]
}

/** A function has one sample of each stage, also where some of its pipelines have a stage on a worker thread and others have none. */
function ofStages(functions: readonly FunctionMeasures[], value: (of: StageMeasures) => number): MetricSample[] {
  const found = new Map<string, MetricSample>()
  for (const { name, stages } of functions) {
    for (const of of stages) {
      const key = JSON.stringify([name, of.name, of.placement])
      const labels = { function: name, stage: of.name, placement: of.placement }
      found.set(key, { labels, value: value(of) + (found.get(key)?.value ?? 0) })
    }
  }
  return [...found.values()]
}

function histogram(
  name: string,
  help: string,
  functions: readonly FunctionMeasures[],
  what: 'latencySpread' | 'processingSpread',
): MetricFamily {
  const sampled = functions.filter((of) => of[what].samples > 0)
  return { name, type: 'histogram', help, bounds: BOUNDS, samples: sampled.map((of) => spread(labelsOf(of), of[what])) }
}

function spread(labels: Labels, { atMost, sum, samples }: Spread): HistogramSample {
  return { labels, buckets: atMost, sum: sum / 1e6, count: samples }
}
