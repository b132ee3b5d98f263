// js/dashboard/page/table: the list of streams. Knows nothing of where it comes from.
//
// The columns: what each says of a stream, and by what it sorts.

import type { StreamInspection } from '../../../index.js'
import { age, bytes, count } from '../format.js'

export interface Column {
  /** By what the process sorts. */
  readonly key: string
  readonly title: string
  /** Numbers stand to the right. */
  readonly isNumber: boolean
  readonly text: (stream: StreamInspection) => string
}

const word = (key: string, title: string, text: Column['text']): Column => ({ key, title, isNumber: false, text })
const number = (key: string, title: string, text: Column['text']): Column => ({ key, title, isNumber: true, text })

export const COLUMNS: readonly Column[] = [
  word('function', 'Function', ({ function: name, stage }) => (stage === undefined || stage === name ? name : `${name} / ${stage}`)),
  word('id', 'Id', ({ id }) => id),
  word('waitingFor', 'Waiting for', ({ waitingFor }) => waitingFor),
  number('waitingMs', 'Since', ({ waitingMs }) => age(waitingMs)),
  number('ageMs', 'Age', ({ ageMs }) => age(ageMs)),
  number('eventsIn', 'Events in', ({ eventsIn }) => count(eventsIn)),
  number('eventsOut', 'Results', ({ eventsOut }) => count(eventsOut)),
  number('bufferedEvents', 'Events kept', ({ buffered }) => count(buffered.events)),
  number('bufferedResults', 'Results kept', ({ buffered }) => count(buffered.results)),
  number('bufferedBytes', 'Bytes kept', ({ buffered }) => (buffered.bytes === 0 ? '-' : bytes(buffered.bytes))),
  word('placement', 'Thread', ({ placement, thread }) => (placement === 'worker' ? `worker ${thread}` : 'local')),
  word('state', 'State', ({ state, lastError }) => (lastError === undefined ? state : `${state}: ${lastError}`)),
]
