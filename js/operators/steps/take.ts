// take and skip: the first events of a stream, and those after them.

import { integer } from '../../kit/check.js'
import { type Operator, operator } from './operator.js'
import { SKIP } from './step.js'

/**
 * The first `count` events; then the stream ends and its source is given back. It does not ask for one more.
 *
 * @throws VeloError `VELO_CONFIG` when `count` is no integer from 0 up.
 */
export function take<In>(count: number): Operator<In, In> {
  needed(count, 'take(count)')
  return operator('take', (counts) => ({
    steps: [
      (host) => {
        let left = count
        if (left === 0) host.last()
        return {
          take(event) {
            counts.done++
            if (--left === 0) host.last()
            return event
          },
        }
      },
    ],
  }))
}

/**
 * All events but the first `count`.
 *
 * @throws VeloError `VELO_CONFIG` when `count` is no integer from 0 up.
 */
export function skip<In>(count: number): Operator<In, In> {
  needed(count, 'skip(count)')
  return operator('skip', (counts) => ({
    steps: [
      () => {
        let left = count
        return {
          take(event) {
            if (left > 0) {
              left--
              counts.skipped++
              return SKIP
            }
            counts.done++
            return event
          },
        }
      },
    ],
  }))
}

function needed(count: number, field: string): void {
  // Number.NaN stands for what was left out: there is no usual count.
  integer(count ?? Number.NaN, field, 0, 0)
}
