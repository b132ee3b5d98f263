// The async context in which the functions of a stream run on a worker thread: the one that its headers bring, where a tracing system of this thread knows how; else whatever there is.

import { AsyncResource } from 'node:async_hooks'
import { currentTracer } from '../../kit/sight/stream-tracer.js'
import type { StreamHeaders } from '../../kit/types.js'
import { traced } from './culprit.js'

export class ThreadScope {
  private readonly headers: StreamHeaders | undefined
  private resource: AsyncResource | undefined
  /** Number of the segment, where its thread must know whose code it runs; 0 otherwise. */
  private readonly segment: number

  constructor(headers: StreamHeaders | undefined, segment: number) {
    this.headers = headers
    this.segment = segment
  }

  /** Runs what calls user code. */
  run<Argument>(work: (argument: Argument) => void, owner: object, argument: Argument): void {
    if (this.segment === 0) this.enter(work, owner, argument)
    else traced(this.segment, () => this.enter(work, owner, argument))
  }

  private enter<Argument>(work: (argument: Argument) => void, owner: object, argument: Argument): void {
    const tracer = this.headers && currentTracer()
    if (tracer === undefined) return work.call(owner, argument)
    this.resource ??= tracer.arrive(this.headers ?? {}, () => new AsyncResource('VeloStream'))
    this.resource.runInAsyncScope(work, owner, argument)
  }
}
