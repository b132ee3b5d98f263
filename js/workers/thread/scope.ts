// The async context in which the functions of a stream run on a worker thread: the one that its headers bring, where a tracing system of this thread knows how; else whatever there is.

import { AsyncResource } from 'node:async_hooks'
import { currentTracer } from '../../kit/sight/stream-tracer.js'
import type { StreamHeaders } from '../../kit/types.js'

export class ThreadScope {
  private readonly headers: StreamHeaders | undefined
  private resource: AsyncResource | undefined

  constructor(headers: StreamHeaders | undefined) {
    this.headers = headers
  }

  /** Runs what calls user code. */
  run<Argument>(work: (argument: Argument) => void, owner: object, argument: Argument): void {
    const tracer = this.headers && currentTracer()
    if (tracer === undefined) return work.call(owner, argument)
    this.resource ??= tracer.arrive(this.headers ?? {}, () => new AsyncResource('VeloStream'))
    this.resource.runInAsyncScope(work, owner, argument)
  }
}
