// What is on the screen, as a value, and what a key makes of it. Knows nothing of terminals and of where the facts come from.

import type { StreamInspection } from '../../index.js'
import { arranged, SORT_KEYS, type SortKey, usualOrder } from '../../kit/sight/arrange.js'
import { type Look, looked } from '../../kit/sight/recent.js'
import type { Overview, StreamDetail, StreamList } from '../../telemetry/index.js'

/** What keys mean, and what is shown. */
export type Mode = 'list' | 'search' | 'detail' | 'question' | 'help'

/** So many a second, from two looks. */
export interface Rates {
  readonly opened: number
  readonly eventsIn: number
  readonly eventsOut: number
  /** Commits of each cluster, by its prefix. */
  readonly commits: Readonly<Record<string, number>>
}

export interface TopState {
  /** What is looked at, in words. */
  readonly source: string
  readonly overview: Overview | undefined
  readonly rates: Rates | undefined
  /** Of the last minute, for its latencies. */
  readonly looks: readonly Look[]
  readonly list: StreamList | undefined
  /** The stream that is shown alone, what was seen of it last, and whether it has ended since. */
  readonly open: string | undefined
  readonly detail: StreamDetail | undefined
  readonly isOver: boolean
  /** The stream that a question is about. */
  readonly asked: string | undefined
  readonly mode: Mode
  /** Where a question or the help leads back to. */
  readonly from: 'list' | 'detail'
  readonly sort: SortKey
  readonly order: 'asc' | 'desc'
  readonly search: string
  /** What was searched for before the search that is being typed. */
  readonly searched: string
  /** Id of the stream that is selected, and where it stood when it was seen last. */
  readonly selected: string | undefined
  readonly position: number
  /** The first row that is shown, of the list or of the detail. */
  readonly first: number
  readonly scroll: number
  readonly isPaused: boolean
  readonly notice: { readonly text: string; readonly isBad: boolean } | undefined
  /** Why nothing comes any more. */
  readonly lost: string | undefined
}

/** What is to be done beside showing the new state. */
export type Effect = 'quit' | 'interrupt' | 'suspend' | 'fetch' | { readonly abort: string }

/** A key as `node:readline` says it. */
export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

export function beginning(source: string, sort: SortKey, search: string): TopState {
  return {
    source,
    overview: undefined,
    rates: undefined,
    looks: [],
    list: undefined,
    open: undefined,
    detail: undefined,
    isOver: false,
    asked: undefined,
    mode: 'list',
    from: 'list',
    sort,
    order: usualOrder(sort),
    search,
    searched: search,
    selected: undefined,
    position: 0,
    first: 0,
    scroll: 0,
    isPaused: false,
    notice: undefined,
    lost: undefined,
  }
}

/** The rows, as they are sorted and filtered now, whatever the last answer was asked for. */
export function rowsOf({ list, search, sort, order }: TopState): readonly StreamInspection[] {
  return list === undefined ? [] : arranged(list.streams, { search, sort, order })
}

/** Where the stream that is selected stands; where it has gone, what stands in its place now. Who stays at the top sees whatever comes there. */
export function positionOf(state: TopState, rows = rowsOf(state)): number {
  if (state.position === 0) return 0
  const at = rows.findIndex(({ id }) => id === state.selected)
  return at >= 0 ? at : Math.max(0, Math.min(state.position, rows.length - 1))
}

/** What was asked and answered. */
export interface Facts {
  readonly overview: Overview
  readonly list: StreamList
  /** Id of the stream that was asked for, and what was said of it: nothing where it is over. */
  readonly detail: { readonly id: string; readonly said: StreamDetail | undefined } | undefined
}

/** New facts. */
export function fed(state: TopState, { overview, list, detail }: Facts): TopState {
  const shown =
    detail === undefined || detail.id !== state.open ? {} : { detail: detail.said ?? state.detail, isOver: detail.said === undefined }
  const { at, latencies, process } = overview
  const looks = looked(state.looks, { at, latencies, startedAt: process.startedAt })
  return settled({ ...state, overview, list, ...shown, looks, rates: ratesOf(state.overview, overview) ?? state.rates, lost: undefined })
}

/** With the selection where the rows are now. */
function settled(state: TopState): TopState {
  const rows = rowsOf(state)
  const position = positionOf(state, rows)
  return { ...state, position, selected: rows[position]?.id }
}

function ratesOf(before: Overview | undefined, now: Overview | undefined): Rates | undefined {
  if (before === undefined || now === undefined || now.at <= before.at || before.process.pid !== now.process.pid) return undefined
  const perSecond = (count: number) => Math.max(0, (count * 1000) / (now.at - before.at))
  const per = (what: 'streamsOpened' | 'eventsIn' | 'eventsOut') => perSecond(now.totals[what] - before.totals[what])
  const commits = now.clusters.flatMap(({ prefix, commits }) => {
    const earlier = before.clusters.find((one) => one.prefix === prefix)
    return earlier === undefined ? [] : [[prefix, perSecond((commits ?? 0) - (earlier.commits ?? 0))]]
  })
  return { opened: per('streamsOpened'), eventsIn: per('eventsIn'), eventsOut: per('eventsOut'), commits: Object.fromEntries(commits) }
}

/** What a key makes of it; `page`: rows of a page. */
export function pressed(before: TopState, key: Key, page: number): { state: TopState; effect?: Effect } {
  const { state, effect } = done(before, key, page)
  return { state: settled(state), ...(effect === undefined ? {} : { effect }) }
}

function done(before: TopState, key: Key, page: number): { state: TopState; effect?: Effect } {
  const state = { ...before, notice: undefined }
  if (key.ctrl === true && key.name === 'c') return { state, effect: 'interrupt' }
  if (key.ctrl === true && key.name === 'z') return { state, effect: 'suspend' }
  if (state.mode === 'search') return searching(state, key)
  if (state.mode === 'question') return answered(state, key)
  if (state.mode === 'help') return { state: { ...state, mode: state.from } }
  const said = key.sequence ?? ''
  if (said === 'q') return { state, effect: 'quit' }
  if (said === '?' || said === 'h') return { state: { ...state, mode: 'help' } }
  if (said === 'p' || said === ' ') return { state: { ...state, isPaused: !state.isPaused }, effect: 'fetch' }
  if (said === 'a') {
    const asked = state.mode === 'detail' ? state.open : state.selected
    return { state: asked === undefined ? state : { ...state, mode: 'question', asked } }
  }
  return state.mode === 'detail' ? inDetail(state, key, page) : inList(state, key, page)
}

function inList(state: TopState, key: Key, page: number): { state: TopState; effect?: Effect } {
  const rows = rowsOf(state)
  const to = (position: number) => {
    const at = Math.max(0, Math.min(position, rows.length - 1))
    return { state: { ...state, position: at, selected: rows[at]?.id } }
  }
  const at = positionOf(state, rows)
  const step = stepOf(key, page)
  if (step !== undefined) return to(at + step)
  const said = key.sequence ?? ''
  if (key.name === 'return' || key.name === 'right') {
    if (state.selected === undefined) return { state }
    const open = { open: state.selected, detail: undefined, isOver: false, scroll: 0 }
    return { state: { ...state, ...open, mode: 'detail', from: 'detail' }, effect: 'fetch' }
  }
  if (said === '/') return { state: { ...state, mode: 'search', searched: state.search } }
  if (key.name === 'escape' && state.search !== '') return { state: { ...state, search: '' }, effect: 'fetch' }
  if (said === 's' || said === 'S') {
    const place = SORT_KEYS.indexOf(state.sort) + (said === 's' ? 1 : SORT_KEYS.length - 1)
    const sort = SORT_KEYS[place % SORT_KEYS.length] as SortKey
    return { state: { ...state, sort, order: usualOrder(sort) }, effect: 'fetch' }
  }
  if (said === 'r') return { state: { ...state, order: state.order === 'asc' ? 'desc' : 'asc' }, effect: 'fetch' }
  return { state }
}

function inDetail(state: TopState, key: Key, page: number): { state: TopState; effect?: Effect } {
  if (key.name === 'escape' || key.name === 'left' || key.name === 'backspace' || key.name === 'return')
    return { state: { ...state, mode: 'list', from: 'list', open: undefined, detail: undefined }, effect: 'fetch' }
  const step = stepOf(key, page)
  if (step === undefined) return { state }
  const last = Math.max(0, (state.detail?.changes.length ?? 0) - 1)
  return { state: { ...state, scroll: Math.max(0, Math.min(state.scroll + step, last)) } }
}

/** How far a key moves. */
function stepOf({ name, sequence, ctrl }: Key, page: number): number | undefined {
  if (name === 'up' || sequence === 'k') return -1
  if (name === 'down' || sequence === 'j') return 1
  if (name === 'pageup' || (ctrl === true && name === 'b')) return -page
  if (name === 'pagedown' || (ctrl === true && name === 'f')) return page
  if (name === 'home' || sequence === 'g') return Number.NEGATIVE_INFINITY
  return name === 'end' || sequence === 'G' ? Number.POSITIVE_INFINITY : undefined
}

/** The longest text that a search takes. */
const LONGEST_SEARCH = 200

function searching(state: TopState, key: Key): { state: TopState; effect?: Effect } {
  const { search } = state
  const to = (text: string): { state: TopState; effect: Effect } => ({ state: { ...state, search: text }, effect: 'fetch' })
  if (key.name === 'return') return { state: { ...state, mode: 'list' }, effect: 'fetch' }
  if (key.name === 'escape') return { state: { ...state, mode: 'list', search: state.searched }, effect: 'fetch' }
  if (key.name === 'backspace') return to([...search].slice(0, -1).join(''))
  if (key.ctrl === true) return key.name === 'u' ? to('') : { state }
  const text = key.sequence ?? ''
  if (key.meta === true || text === '' || /\p{Cc}/u.test(text) || search.length + text.length > LONGEST_SEARCH) return { state }
  return to(search + text)
}

/** Only y is yes. */
function answered(state: TopState, { sequence }: Key): { state: TopState; effect?: Effect } {
  const { asked } = state
  const back: TopState = { ...state, mode: state.from, asked: undefined }
  if ((sequence === 'y' || sequence === 'Y') && asked !== undefined) return { state: back, effect: { abort: asked } }
  return { state: { ...back, notice: { text: 'nothing was aborted', isBad: false } } }
}
