// All charts, and what each takes out of an overview. Counters become rates between two looks. What a process does not use has no chart.

import { type Look, looked, recentQuantiles } from '../../../kit/sight/recent.js'
import type { Overview } from '../../../telemetry/index.js'
import { bytes, count, micros, percent, rate } from '../format.js'
import { Chart } from './chart.js'

/** ms between two points. */
const LEAST_MS = 800
/** Lines of worker threads; more are one. */
const THREADS = ['c1', 'c2', 'c3', 'c4']

type Values = (now: Overview, before: Overview | undefined) => readonly (number | null)[]

/** What a counter has grown by in a second. */
function perSecond(now: Overview, before: Overview | undefined, value: (of: Overview) => number): number | null {
  if (before === undefined || now.at <= before.at || now.process.startedAt - before.process.startedAt > 1000) return null
  return Math.max(0, ((value(now) - value(before)) * 1000) / (now.at - before.at))
}

const lines = (...titles: string[]) => titles.map((title, index) => ({ title, color: `c${index + 1}` }))
/** What the page itself makes of it, which is not what somebody looks for. */
const own = ({ functions }: Overview, what: 'eventsIn' | 'eventsOut' | 'streamsOpened') =>
  functions.reduce((total, of) => total + (of.name === 'velo:dashboard' ? of[what] : 0), 0)
const dropped = ({ totals }: Overview) => totals.dropped.events + totals.dropped.results
const sum = (of: Overview, what: 'commits' | 'events' | 'queued') => of.journals.reduce((total, journal) => total + (journal[what] ?? 0), 0)
const isInCluster = ({ clusters }: Overview) => clusters.length > 0
const ofClusters = ({ clusters }: Overview, what: 'hosted' | 'open' | 'takeovers' | 'commits' | 'lag') =>
  clusters.reduce((total, of) => total + (of[what] ?? 0), 0)

export class Charts {
  readonly #charts: readonly (readonly [Chart, Values, (now: Overview) => boolean])[]
  /** Of the last minute, for its latencies. */
  #looks: readonly Look[] = []
  #before: Overview | undefined

  constructor(into: HTMLElement) {
    this.#charts = [
      [
        new Chart('Throughput, a second', lines('events', 'results', 'dropped'), rate, 4),
        (now, before) => [
          perSecond(now, before, (of) => of.totals.eventsIn - own(of, 'eventsIn')),
          perSecond(now, before, (of) => of.totals.eventsOut - own(of, 'eventsOut')),
          perSecond(now, before, dropped),
        ],
        always,
      ],
      [
        new Chart('Streams', lines('open', 'waiting', 'detached'), count, 4),
        ({ totals }) => [totals.streamsOpen, totals.streamsWaiting, totals.streamsDetached],
        always,
      ],
      [
        new Chart('Opened and refused, a second', lines('opened', 'refused', 'failed'), rate, 4),
        (now, before) => [
          perSecond(now, before, (of) => of.totals.streamsOpened - own(of, 'streamsOpened')),
          perSecond(now, before, ({ totals }) => totals.streamsRefused),
          perSecond(now, before, ({ totals }) => totals.closedBy.failed),
        ],
        always,
      ],
      [new Chart('Latency over the last minute', lines('p50', 'p95', 'p99'), micros, 1000), () => recentQuantiles(this.#looks), always],
      [
        new Chart('Kept in streams', lines('events', 'results'), count, 4),
        ({ totals }) => [totals.eventsBuffered, totals.resultsBuffered],
        always,
      ],
      [new Chart('Bytes kept', lines('HTTP and WebSocket'), bytes, 4096), ({ totals }) => [totals.bytesBuffered], always],
      [
        new Chart('Worker threads, busy', lines('1', '2', '3', 'the others'), percent, 1),
        ({ workers }) => THREADS.map((_, place) => busyOf(workers, place)),
        ({ workers }) => workers.length > 0,
      ],
      [
        new Chart('Journal, a second', lines('events', 'commits', 'queued now'), rate, 4),
        (now, before) => [
          perSecond(now, before, (of) => sum(of, 'events')),
          perSecond(now, before, (of) => sum(of, 'commits')),
          sum(now, 'queued'),
        ],
        ({ journals }) => journals.length > 0,
      ],
      [
        new Chart('Sessions of the cluster, here', lines('hosted', 'handles', 'taken over so far'), count, 4),
        (now) => [ofClusters(now, 'hosted'), ofClusters(now, 'open'), ofClusters(now, 'takeovers')],
        isInCluster,
      ],
      [
        new Chart('Work of the cluster, here', lines('commits a second', 'events behind'), rate, 4),
        (now, before) => [perSecond(now, before, (of) => ofClusters(of, 'commits')), ofClusters(now, 'lag')],
        isInCluster,
      ],
    ]
    for (const [chart] of this.#charts) {
      chart.element.hidden = true
      into.append(chart.element)
    }
  }

  show(now: Overview): void {
    // Where the page looks at something else it is told at once: too soon for a rate.
    if (this.#before !== undefined && now.at - this.#before.at < LEAST_MS) return
    const { at, latencies } = now
    this.#looks = looked(this.#looks, { at, latencies, startedAt: now.process.startedAt })
    for (const [chart, values, isUsed] of this.#charts) {
      if (isUsed(now) || !chart.element.hidden) chart.add(now.at / 1000, values(now, this.#before))
    }
    this.#before = now
  }
}

const always = () => true

/** The threads in the order in which they are listed; the last line has the mean of the rest. */
function busyOf(workers: Overview['workers'], place: number): number | null {
  const meant = place < THREADS.length - 1 ? workers.slice(place, place + 1) : workers.slice(place)
  return meant.length === 0 ? null : meant.reduce((total, { busy }) => total + (busy ?? 0), 0) / meant.length
}
