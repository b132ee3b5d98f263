// Which thread this is.

import { builtin } from './builtin.js'

let known: number | undefined

/** As `threadId` of `node:worker_threads`, 0 on the main thread. Looked up when somebody asks: loading that module takes 2 ms of a start. */
export function thread(): number {
  known ??= builtin('node:worker_threads').threadId
  return known
}
