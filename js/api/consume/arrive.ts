// What counts on a worker thread: loaded there by its address. It tells the caller's thread by a port which events are done.

import type { MessagePort } from 'node:worker_threads'
import { SegmentMarks } from '../../engine/marks/segment-marks.js'
import type { Arrive } from '../../engine/stages/harness.js'
import type { Mark } from '../../kit/marks.js'

/** What travels with the opening of a segment. */
export interface Arrival {
  readonly port: MessagePort
}

/** Back, at most once a turn: the functions from number `first` on, so many of them. */
export interface Told {
  readonly first: number
  readonly length: number
  readonly exact: Mark | undefined
  readonly low: Mark
}

export const arrive: Arrive = (arrival) => {
  const { port } = arrival as Arrival
  let first = -1
  const marks = new SegmentMarks((exact, low) => {
    const told: Told = { first, length: marks.length, exact, low }
    port.postMessage(told)
  })
  port.on('message', () => marks.stop())
  port.on('close', () => marks.close())
  port.unref()
  return {
    wrap(fn, { index }) {
      if (first < 0) first = index
      return marks.wrap(fn, index)
    },
  }
}
