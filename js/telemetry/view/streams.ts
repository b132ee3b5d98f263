// The live streams: a list of them, one of them with its last changes, and its abort.

import { runtime, type StreamInspection } from '../../index.js'
import { configError, integer, onlyKnown, text, word } from '../../kit/check.js'
import { arranged, SORT_KEYS, type SortKey } from '../../kit/sight/arrange.js'
import type { WaitingFor } from '../../kit/sight/inspection.js'
import { oversightOf, type StreamChange } from '../../kit/sight/oversight.js'

export type { SortKey, StreamChange }

/** Options of `listStreams`. */
export interface ListOptions {
  /** Streams of the functions of this name only. */
  readonly function?: string | undefined
  /** Those that wait for this only. */
  readonly waitingFor?: WaitingFor | undefined
  /** Those with this text in their id, function, stage, state, what they wait for, or last error. */
  readonly search?: string | undefined
  /** Default `'waitingMs'`. */
  readonly sort?: SortKey | undefined
  /** Default: numbers from the largest down, texts from the first up. */
  readonly order?: 'asc' | 'desc' | undefined
  /** Default 1000. */
  readonly limit?: number | undefined
  /** So many are left out before them. Default 0. */
  readonly offset?: number | undefined
}

/** What `listStreams` answers. */
export interface StreamList {
  /** When it was made, Unix ms. */
  readonly at: number
  /** Live streams of this thread. */
  readonly total: number
  /** Those of them that are asked for, of which there may be more than the list has. */
  readonly matching: number
  readonly streams: readonly StreamInspection[]
}

/** What `streamDetail` answers. */
export interface StreamDetail {
  /** When it was made, Unix ms. */
  readonly at: number
  readonly stream: StreamInspection
  /**
   * Its last changes, the oldest first: at most 100, as they were seen at a look a second and whenever somebody asked. They are kept from the first question on.
   */
  readonly changes: readonly StreamChange[]
}

/** The longest text to search for. */
const LONGEST_SEARCH = 200
const WAITS: readonly WaitingFor[] = ['event', 'user code', 'reader', 'room', 'admission', 'journal', 'nothing']

const FIELD = 'listStreams(options)'

/**
 * The live streams of this thread, those on its worker threads included: filtered, sorted, and as many as are wanted.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function listStreams(options: ListOptions = {}): StreamList {
  onlyKnown(options, FIELD, ['function', 'waitingFor', 'search', 'sort', 'order', 'limit', 'offset'])
  const { function: name, waitingFor, search } = options
  if (name !== undefined) text(name, `${FIELD}.function`)
  if (waitingFor !== undefined) word(waitingFor, `${FIELD}.waitingFor`, WAITS as [WaitingFor])
  if (search !== undefined && (typeof search !== 'string' || search.length > LONGEST_SEARCH))
    throw configError(`${FIELD}.search`, `a string of at most ${LONGEST_SEARCH} characters`, search)
  const sort = word(options.sort, `${FIELD}.sort`, SORT_KEYS)
  const order = options.order === undefined ? undefined : word(options.order, `${FIELD}.order`, ['asc', 'desc'])
  const limit = integer(options.limit, `${FIELD}.limit`, 0, 1000)
  const offset = integer(options.offset, `${FIELD}.offset`, 0, 0)
  const all = everyStream()
  const found = arranged(all, { function: name, waitingFor, search, sort, order })
  return { at: Date.now(), total: all.length, matching: found.length, streams: found.slice(offset, offset + limit) }
}

/** One stream and its last changes; `undefined` where no live stream of this thread has this id. */
export function streamDetail(id: string): StreamDetail | undefined {
  const seen = oversightOf(runtime).look(id)
  return seen === undefined ? undefined : { at: Date.now(), ...seen }
}

/** Aborts the live stream of this thread with this id. False where there is none. */
export function abortStream(id: string, reason: unknown = new Error('it was aborted by whoever looks after the process')): boolean {
  return oversightOf(runtime).abort(id, reason) > 0
}

function everyStream(): StreamInspection[] {
  oversightOf(runtime).keepChanges()
  return runtime.inspect({ limit: Number.MAX_SAFE_INTEGER })
}
