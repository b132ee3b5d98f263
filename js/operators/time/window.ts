// window: events grouped by time. Owns: what users see, and the checks. The engine is window-outlet.ts, the open windows are panes.ts.

import { callable, configError, integer, onlyKnown } from '../../kit/check.js'
import { type Clock, clockOf } from '../../kit/clock.js'
import { type HandMade, handMade } from '../engine/hand-made.js'
import type { Span } from './panes.js'
import { RegularPanes, SessionPanes } from './panes.js'
import { WindowYielder } from './window-yielder.js'

export type { Span } from './panes.js'

/** The events of a window, by time. */
export interface Windowed<In> extends Span {
  readonly events: In[]
}

interface Common<In> {
  /** When an event happened, ms since a moment of your choice. Left out: when it arrives, on `clock`. */
  by?: ((event: In) => number) | undefined
  /** How long windows stay open for events that come late, ms of event time: a window closes when an event comes that is so much newer than its end. Only with `by`. Default 0. */
  lateness?: number | undefined
  /** Told of an event that came after its windows had closed. It is counted and dropped. A promise that it returns is awaited. Only with `by`. */
  onLate?: ((event: In) => void | PromiseLike<void>) | undefined
  /**
   * How many events all open windows together may hold. An event in overlapping windows counts in each, `sliding / every` times: with `sliding: 60_000, every: 100` the default is room
   * for 1666 events a minute. More fail the stream with `VELO_OVERRUN`. Integer from 1. Default 1000000.
   */
  maxEvents?: number | undefined
  /** Where the time comes from without `by`. Default: the machine, ms since the process started. */
  clock?: Clock | undefined
}

/** Options of `window`. Durations are milliseconds, more than 0. */
export type WindowOptions<In> = Common<In> &
  (
    | {
        /** Windows of this length, one after the other, which start at its multiples. */
        tumbling: number
        sliding?: undefined
        every?: undefined
        session?: undefined
      }
    | {
        /** Windows of this length that overlap. */
        sliding: number
        /** One starts at each multiple of this; at most `sliding`. */
        every: number
        tumbling?: undefined
        session?: undefined
      }
    | {
        /** Windows that end when no event comes for so long. */
        session: number
        tumbling?: undefined
        sliding?: undefined
        every?: undefined
      }
  )

/** Numbers of a window function beside its metrics. */
export interface WindowNumbers {
  /** Events that came after their windows had closed. */
  readonly late: number
  /** Windows that have closed. */
  readonly windows: number
}

const NAMES = ['tumbling', 'sliding', 'every', 'session', 'by', 'lateness', 'onLate', 'maxEvents', 'clock']

/**
 * Groups events by time and yields `{ start, end, events }` for each window that had any, or what `aggregate(events, window)` makes of it. A window holds what happened from
 * `start` on and before `end`; its events are sorted by time. Windows come out by their end.
 *
 * With `by`, time is what the events say: a window closes when an event comes whose time is `lateness` or more after its end, and at the end of the stream. Without, time
 * is when events arrive, and windows close by the clock, events or not.
 *
 * @example
 * const perSecond = window({ tumbling: 1000, by: (reading) => reading.at, lateness: 250 }, (readings) => Math.max(...readings.map((reading) => reading.value)))
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function window<In>(options: WindowOptions<In>): HandMade<In, Windowed<In>, WindowNumbers>
export function window<In, Result>(
  options: WindowOptions<In>,
  aggregate: (events: In[], window: Span) => Result | PromiseLike<Result>,
): HandMade<In, Result, WindowNumbers>
export function window<In>(
  options: WindowOptions<In>,
  aggregate: (events: In[], window: Span) => unknown = (events, { start, end }) => ({ start, end, events }),
): HandMade<In, unknown, WindowNumbers> {
  const field = 'window(options)'
  onlyKnown(options, field, NAMES)
  callable(aggregate, 'window(aggregate)')
  const { by, onLate } = options
  if (by !== undefined) callable(by, `${field}.by`)
  for (const name of ['lateness', 'onLate'] as const)
    if (by === undefined && options[name] !== undefined) throw configError(`${field}.${name}`, 'nothing without by', options[name])
  if (onLate !== undefined) callable(onLate, `${field}.onLate`)
  const plan = {
    panes: kindOf(options, field),
    aggregate,
    by,
    onLate,
    lateness: length(options.lateness ?? 0, `${field}.lateness`, 0),
    overlap: options.sliding === undefined ? 1 : Math.ceil(options.sliding / options.every),
    maxEvents: integer(options.maxEvents, `${field}.maxEvents`, 1, 1_000_000),
    clock: clockOf(options.clock, `${field}.clock`),
  }
  return handMade({ name: 'window' }, () => {
    const numbers = { late: 0, windows: 0 }
    return { body: (events, ctx) => new WindowYielder<In, unknown>(events, ctx, plan, numbers), numbers }
  })
}

/** Makes the open windows of one stream. */
function kindOf<In>(options: WindowOptions<In>, field: string): () => RegularPanes<In> | SessionPanes<In> {
  const { tumbling, sliding, every, session } = options
  if ([tumbling, sliding, session].filter((kind) => kind !== undefined).length !== 1)
    throw configError(field, 'exactly one of tumbling, sliding and session', options)
  if (every !== undefined && sliding === undefined) throw configError(`${field}.every`, 'nothing without sliding', every)
  if (tumbling !== undefined) {
    const size = length(tumbling, `${field}.tumbling`)
    return () => new RegularPanes(size, size)
  }
  if (sliding !== undefined) {
    const size = length(sliding, `${field}.sliding`)
    const step = length(every, `${field}.every`)
    if (step > size) throw configError(`${field}.every`, 'at most sliding, or events between two windows would be lost', every)
    return () => new RegularPanes(size, step)
  }
  const gap = length(session, `${field}.session`)
  return () => new SessionPanes(gap)
}

/** ms on the clock of the events, which no timer has to wait for. */
function length(value: number | undefined, field: string, least?: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && (least === undefined ? value > 0 : value >= least)) return value
  throw configError(field, least === undefined ? 'ms, more than 0' : `ms from ${least} up`, value)
}
