// Live streams filtered and sorted, in the one way that everything which lists them has.

import type { StreamInspection, WaitingFor } from './inspection.js'

/** By what a list is sorted: names of a `StreamInspection`, and of what it buffers; in the order in which people choose. */
export const SORT_KEYS = [
  'waitingMs',
  'ageMs',
  'eventsIn',
  'eventsOut',
  'bufferedEvents',
  'bufferedResults',
  'bufferedBytes',
  'id',
  'function',
  'stage',
  'placement',
  'thread',
  'state',
  'waitingFor',
] as const

/** By what a list is sorted. */
export type SortKey = (typeof SORT_KEYS)[number]

/** What a list shall have, and in which order. */
export interface Arrangement {
  readonly function?: string | undefined
  readonly waitingFor?: WaitingFor | undefined
  readonly search?: string | undefined
  readonly sort?: SortKey | undefined
  readonly order?: 'asc' | 'desc' | undefined
}

/** All of them that are asked for, in a list of its own. */
export function arranged(streams: readonly StreamInspection[], options: Arrangement): StreamInspection[] {
  const { function: name, waitingFor, search, sort = SORT_KEYS[0], order = usualOrder(sort) } = options
  const sought = search?.toLowerCase() ?? ''
  return streams
    .filter(
      (stream) =>
        (name === undefined || stream.function === name) &&
        (waitingFor === undefined || stream.waitingFor === waitingFor) &&
        (sought === '' || hasText(stream, sought)),
    )
    .sort(comparing(sort, order))
}

/** Numbers from the largest down, texts from the first up. */
export function usualOrder(key: SortKey): 'asc' | 'desc' {
  return /^(?:waitingMs|ageMs|events|buffered|thread)/.test(key) ? 'desc' : 'asc'
}

function hasText({ id, function: name, stage, state, waitingFor, lastError }: StreamInspection, sought: string): boolean {
  return [id, name, stage, state, waitingFor, lastError].some((one) => one?.toLowerCase().includes(sought) === true)
}

function sortedBy(stream: StreamInspection, key: SortKey): number | string {
  if (key === 'bufferedEvents') return stream.buffered.events
  if (key === 'bufferedResults') return stream.buffered.results
  if (key === 'bufferedBytes') return stream.buffered.bytes
  return stream[key] ?? ''
}

/** Streams that are alike stand in the order of their ids, so that none jumps about. */
function comparing(key: SortKey, order: 'asc' | 'desc'): (one: StreamInspection, other: StreamInspection) => number {
  const compare = (a: number | string, b: number | string) => (a < b ? -1 : a > b ? 1 : 0)
  return (one, other) => {
    const found = compare(sortedBy(one, key), sortedBy(other, key))
    return (order === 'desc' ? -found : found) || compare(one.id, other.id)
  }
}
