// `/metrics`: the numbers of the process and of the server in the text format of Prometheus.

import type { FunctionMetrics, JournalMetrics, LatencyQuantiles, Snapshot } from '../index.js'

/** What the server itself counts. */
export interface ServerNumbers {
  readonly connections: number
  readonly streams: number
  readonly refused: { readonly server: number; readonly client: number }
  readonly draining: boolean
  /** Answered requests and upgrades, by function and status; `-` for what is no function. */
  readonly requests: ReadonlyMap<string, { readonly fn: string; readonly status: number; readonly count: number }>
}

type Labels = Readonly<Record<string, string | number>>

/** Content-Type of the text. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All numbers as text. */
export function exposition(snapshot: Snapshot, server: ServerNumbers): string {
  const text = new Text()
  const { functions } = snapshot
  const each = (name: string, type: 'gauge' | 'counter', help: string, value: (metrics: FunctionMetrics) => number) => {
    text.family(name, type, help)
    for (const metrics of functions) text.sample(name, { function: metrics.name }, value(metrics))
  }
  each('velo_streams_open', 'gauge', 'Streams that are open.', (fn) => fn.streamsOpen)
  each('velo_streams_waiting', 'gauge', 'Streams in line for a place.', (fn) => fn.streamsWaiting)
  each('velo_streams_detached', 'gauge', 'Functions that go on although their stream was closed.', (fn) => fn.streamsDetached)
  each('velo_streams_opened_total', 'counter', 'Streams opened.', (fn) => fn.streamsOpened)
  each('velo_streams_refused_total', 'counter', 'Streams refused for lack of a place.', (fn) => fn.streamsRefused)
  text.family('velo_streams_closed_total', 'counter', 'Streams that ended, by reason.')
  for (const fn of functions) {
    for (const [reason, count] of Object.entries(fn.closedBy))
      text.sample('velo_streams_closed_total', { function: fn.name, reason }, count)
  }
  each('velo_events_in_total', 'counter', 'Events accepted.', (fn) => fn.eventsIn)
  each('velo_events_out_total', 'counter', 'Results yielded.', (fn) => fn.eventsOut)
  each('velo_events_dropped_total', 'counter', 'Events accepted but never given to the function.', (fn) => fn.dropped.events)
  each('velo_results_dropped_total', 'counter', 'Results yielded but never read.', (fn) => fn.dropped.results)
  each('velo_overruns_total', 'counter', 'Sends refused because too many waited.', (fn) => fn.overruns)
  quantiles(text, 'velo_latency_seconds', 'From an event to its result.', functions, 'latency')
  quantiles(text, 'velo_processing_seconds', 'From an event to the wish for the next one.', functions, 'processing')
  text.one('velo_bytes_buffered', 'gauge', 'Bytes that wait in the streams of HTTP and WebSocket.', snapshot.bytesBuffered)
  journals(text, snapshot.journals)
  text.family('velo_worker_streams', 'gauge', 'Streams on a worker thread.')
  for (const { thread, streams } of snapshot.workers) text.sample('velo_worker_streams', { thread }, streams)
  text.family('velo_worker_busy_ratio', 'gauge', 'Part of its time that a worker thread was busy lately.')
  for (const { thread, busy } of snapshot.workers) text.sample('velo_worker_busy_ratio', { thread }, busy)
  text.one('velo_server_connections', 'gauge', 'Connections that are open.', server.connections)
  text.one('velo_server_streams', 'gauge', 'Requests and WebSockets that have a place.', server.streams)
  text.one('velo_server_draining', 'gauge', '1 while the server stops.', Number(server.draining))
  text.family('velo_server_refused_total', 'counter', 'Requests that got no place, by the limit that was reached.')
  for (const [limit, count] of Object.entries(server.refused)) text.sample('velo_server_refused_total', { limit }, count)
  text.family('velo_server_requests_total', 'counter', 'Requests and upgrades that were answered.')
  for (const { fn, status, count } of server.requests.values()) text.sample('velo_server_requests_total', { function: fn, status }, count)
  text.one('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss())
  text.one('process_start_time_seconds', 'gauge', 'When the process started.', Math.round(Date.now() / 1000 - process.uptime()))
  return text.toString()
}

function journals(text: Text, open: readonly JournalMetrics[]): void {
  const each = (name: string, type: 'gauge' | 'counter', help: string, value: (metrics: JournalMetrics) => number) => {
    text.family(name, type, help)
    for (const metrics of open) text.sample(name, { journal: metrics.path }, value(metrics))
  }
  each('velo_journal_streams', 'gauge', 'Streams kept in a journal.', ({ streams }) => streams)
  each('velo_journal_bytes', 'gauge', 'Bytes kept of them.', ({ bytes }) => bytes)
  each('velo_journal_file_bytes', 'gauge', 'Bytes of its file.', ({ fileBytes }) => fileBytes)
  each('velo_journal_queued_bytes', 'gauge', 'Bytes that wait for its writer.', ({ queuedBytes }) => queuedBytes)
  each('velo_journal_events_total', 'counter', 'Events appended.', ({ events }) => events)
  each('velo_journal_commits_total', 'counter', 'Transactions of its store.', ({ commits }) => commits)
  each('velo_journal_syncs_total', 'counter', 'Syncs of its file.', ({ syncs }) => syncs)
  each('velo_journal_written_bytes_total', 'counter', 'Bytes written to its file.', ({ writtenBytes }) => writtenBytes)
  each('velo_journal_replays_total', 'counter', 'Streams opened that had been kept.', ({ replays }) => replays)
  each('velo_journal_replayed_events_total', 'counter', 'Events read back for them.', ({ replayedEvents }) => replayedEvents)
  each('velo_journal_refused_total', 'counter', 'Appends and commits refused for lack of room.', ({ refused }) => refused)
  text.family('velo_journal_commit_seconds', 'summary', 'What the last commits took.')
  for (const { path, commitLatency } of open) text.quantiles('velo_journal_commit_seconds', { journal: path }, commitLatency)
}

function quantiles(text: Text, name: string, help: string, functions: readonly FunctionMetrics[], what: 'latency' | 'processing'): void {
  text.family(name, 'summary', `${help} Sampled.`)
  for (const fn of functions) text.quantiles(name, { function: fn.name }, fn[what])
}

/** The text format: families with their help, samples with their labels. */
class Text {
  #text = ''

  family(name: string, type: 'gauge' | 'counter' | 'summary', help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, said]) => `${label}="${escaped(String(said))}"`)
    this.#text += `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${Number.isNaN(value) ? 'NaN' : value}\n`
  }

  quantiles(name: string, labels: Labels, { p50, p95, p99, samples }: LatencyQuantiles): void {
    if (samples === 0) return
    for (const [quantile, us] of Object.entries({ 0.5: p50, 0.95: p95, 0.99: p99 })) this.sample(name, { ...labels, quantile }, us / 1e6)
    this.sample(`${name}_count`, labels, samples)
  }

  one(name: string, type: 'gauge' | 'counter', help: string, value: number): void {
    this.family(name, type, help)
    this.sample(name, {}, value)
  }

  toString(): string {
    return this.#text
  }
}

const escaped = (text: string) => text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
