// Which segment ends its thread: by an error that nobody catches or a call of `process.exit()`, from wherever its code is called by then, a timer for example. Known of the segments
// that run in a context of their own; that makes each promise of the thread slower in Node.js before 24, so it is not done before it is needed.

import { AsyncLocalStorage } from 'node:async_hooks'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../wire/protocol.js'

let contexts: AsyncLocalStorage<number> | undefined

/** Runs the code of a segment so that it is known for it. */
export function traced<Result>(segment: number, work: () => Result): Result {
  contexts ??= begun()
  return contexts.run(segment, work)
}

function begun(): AsyncLocalStorage<number> {
  const storage = new AsyncLocalStorage<number>()
  const word = new Int32Array((workerData as ThreadData).culprit)
  const note = (): void => {
    const segment = storage.getStore()
    if (segment !== undefined) Atomics.store(word, 0, segment)
  }
  process.on('uncaughtExceptionMonitor', note)
  process.on('exit', note)
  return storage
}
