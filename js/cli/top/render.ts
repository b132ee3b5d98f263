// js/cli/top: `velo top`. Knows nothing of how a stream works: it has what a socket or a server says of them.
//
// The whole screen out of a state and a size: a pure function. Every line is as wide as the terminal at most, and there are as many as it has.

import { recentQuantiles } from '../../kit/sight/recent.js'
import { size } from '../journal/shown.js'
import { clusterLines } from './clusters.js'
import { fitting, type Style } from './columns.js'
import { detailLines } from './detail.js'
import { type Line, line, span as part } from './frame.js'
import { HELP } from './help.js'
import { positionOf, rowsOf, type TopState } from './state.js'
import { clock, count, fitted, micros, safe, span } from './units.js'

/** Lines above the rows, the names of the columns among them but those of clusters not, and below. */
const ABOVE = 7
const BELOW = 1

/** Rows of the list at this height. */
export function pageOf(height: number, { overview, rates }: Pick<TopState, 'overview' | 'rates'>): number {
  return Math.max(1, height - ABOVE - clusterLines(overview, rates, height).length - BELOW)
}

/** The first row to show, so that the selected one is among them. */
export function firstOf(state: TopState, height: number, rows = rowsOf(state).length): number {
  const [page, at] = [pageOf(height, state), positionOf(state)]
  const first = Math.min(Math.max(state.first, at - page + 1), at)
  return Math.max(0, Math.min(first, rows - page))
}

/** What is on the screen. */
export function render(state: TopState, width: number, height: number): Line[] {
  const { mode } = state
  const shown = mode === 'question' ? state.from : mode
  const body =
    shown === 'help'
      ? HELP.map(([keys, says]) => [part(`  ${keys.padEnd(18)}`, 'bold'), part(says)])
      : shown === 'detail'
        ? detailLines(state, width, pageOf(height, state) + BELOW)
        : listLines(state, width, height)
  const top = [
    ...headLines(state, width),
    ...clusterLines(state.overview, state.rates, height),
    ...(shown === 'detail' || shown === 'help' ? [[]] : []),
  ]
  const lines = [...top, ...body].slice(0, Math.max(0, height - BELOW))
  while (lines.length < height - BELOW) lines.push([])
  return [...lines, footLine(state, width)].slice(-height).map((one) => line(width, one))
}

function headLines({ source, overview, rates, looks, isPaused, lost }: TopState, width: number): Line[] {
  const status = lost !== undefined ? part('LOST', 'red') : isPaused ? part('PAUSED', 'yellow') : part(overview ? clock(overview.at) : '')
  if (overview === undefined) return [line(width, [part('velo top', 'bold'), part(`  ${safe(source)}`)], [status]), [], [], [], []]
  const { process, totals, workers, journals, at } = overview
  const { closedBy, dropped } = totals
  const bad = (number: number, style: Style = 'yellow') => part(count(number), number > 0 ? style : undefined)
  const busy = workers.reduce((sum, worker) => sum + (worker.busy ?? 0), 0)
  const per = (rate: number | undefined) => part(rate === undefined ? '' : ` ${count(rate)}/s`, 'dim')
  const about = `  pid ${process.pid}  ${safe(process.title)}  ${safe(process.node)}  up ${span(at - process.startedAt)}  ${size(process.memory)}`
  const [p50, p95, p99] = recentQuantiles(looks)
  const times = p50 === null ? 'none in the last minute' : `p50 ${micros(p50)}  p95 ${micros(p95)}  p99 ${micros(p99)} last min`
  return [
    line(width, [part('velo top', 'bold'), part(about), part(`  ${safe(source)}`, 'dim')], [status]),
    [
      part('streams  '),
      part(count(totals.streamsOpen), 'bold'),
      part(' open  '),
      bad(totals.streamsWaiting),
      part(' in line  '),
      bad(totals.streamsDetached),
      part(` detached  ${count(totals.streamsOpened)} opened`),
      per(rates?.opened),
      part('  '),
      bad(totals.streamsRefused, 'red'),
      part(' refused'),
    ],
    [
      part(`events   ${count(totals.eventsIn)} in`),
      per(rates?.eventsIn),
      part(`  ${count(totals.eventsOut)} out`),
      per(rates?.eventsOut),
      part(`  ${count(totals.eventsBuffered)}+${count(totals.resultsBuffered)} wait  `),
      bad(dropped.events + dropped.results),
      part(' dropped  '),
      bad(totals.overruns, 'red'),
      part(' overruns'),
    ],
    [
      part(`ended    ${count(closedBy.done)} done  ${count(closedBy.closed)} closed  ${count(closedBy.idle)} idle  `),
      bad(closedBy.aborted),
      part(' aborted  '),
      bad(closedBy.failed, 'red'),
      part(' failed'),
      ...(totals.workerLosses === 0
        ? []
        : [part('  '), bad(totals.workerLosses, 'red'), part(totals.workerLosses === 1 ? ' thread lost' : ' threads lost')]),
    ],
    [
      part(`latency  ${times}`),
      ...(workers.length === 0 ? [] : [part(`  threads ${workers.length}, ${Math.round((100 * busy) / workers.length)} % busy`)]),
      ...(journals.length === 0 ? [] : [part(`  journals ${journals.length}`)]),
    ],
  ]
}

function listLines(state: TopState, width: number, height: number): Line[] {
  const { sort, order, search, list, mode } = state
  const rows = rowsOf(state)
  const columns = fitting(Math.max(1, width - 2))
  const names = columns.map(({ column, width: wide }) => {
    const mark = column.key === sort ? (order === 'desc' ? 'v' : '^') : ''
    return part(fitted(column.name.slice(0, wide - mark.length) + mark, wide, column.isNumber), mark === '' ? 'inverse' : 'bold')
  })
  const matching = list === undefined ? 0 : Math.max(rows.length, state.isPaused ? 0 : list.matching)
  const found = list === undefined ? 'asking' : `${matching} of ${list.total} streams`
  const by = `${found}, by ${sort} ${order === 'desc' ? 'down' : 'up'}`
  const sought = search === '' && mode !== 'search' ? [] : [part(', with '), part(`"${safe(search)}"`, 'bold')]
  const first = firstOf(state, height, rows.length)
  const at = positionOf(state, rows)
  const spaced = (parts: Line): Line => parts.flatMap((one, index) => (index === 0 ? [one] : [part(' '), one]))
  const shown = rows.slice(first, first + pageOf(height, state)).map((stream, index): Line => {
    const isSelected = first + index === at
    const cells = columns.map(({ column, width: wide }) => {
      const style = isSelected ? 'inverse' : column.style?.(stream)
      return part(fitted(column.of(stream), wide, column.isNumber), style)
    })
    return [part(isSelected ? '> ' : '  ', isSelected ? 'bold' : undefined), ...spaced(cells)]
  })
  const none = list !== undefined && rows.length === 0 ? [[part(search === '' ? '  no streams' : '  no stream has that', 'dim')]] : []
  return [[part(by), ...sought], [part('  '), ...spaced(names)], ...shown, ...none]
}

const KEYS = {
  list: 'q quit  s/S sort  r reverse  / search  p pause  enter detail  a abort  ? help',
  detail: 'q quit  esc back  up/down scroll  p pause  a abort  ? help',
  help: 'any key: back',
} as const

function footLine({ mode, notice, lost, search, asked }: TopState, width: number): Line {
  if (mode === 'question') return [part(fitted(`Abort stream "${safe(asked ?? '')}"? [y/N]`, width), 'inverse')]
  if (mode === 'search') return [part('search: ', 'bold'), part(`${safe(search)}_`), part('  enter keeps it, esc takes it back', 'dim')]
  if (notice !== undefined) return [part(safe(notice.text), notice.isBad ? 'red' : 'bold')]
  if (lost !== undefined) return [part(`nothing comes any more: ${safe(lost)}; trying again`, 'red')]
  return [part(KEYS[mode], 'dim')]
}
