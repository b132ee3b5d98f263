// The span of a stream, where somebody makes one: the function runs in its context, and it is told of the first result.

import type { StreamSpan, StreamTracer } from '../kit/sight/stream-tracer.js'
import type { Definition } from './definition.js'
import { currentScope, type Holder, Lease, type LeaseOptions } from './lease.js'
import type { Mode } from './mode.js'

/** A lease whose scope is the context of a span. Throws what the lease throws. */
export function leaseTraced(
  tracer: StreamTracer,
  def: Definition,
  idleMs: number,
  options: LeaseOptions,
  holder: Holder,
): { lease: Lease; span: StreamSpan | undefined } {
  const placement = def.remote ? 'worker' : 'local'
  const open = () => tracer.open({ name: def.options.name, placement, headers: options.headers })
  // The scope of a call was made when the call was, and its context is what the span begins in.
  const span = options.scope === undefined ? open() : options.scope.runInAsyncScope(open)
  if (span === undefined) return { lease: new Lease(def, idleMs, options, holder), span }
  const enter = () => span.within(currentScope)
  const scope = options.scope === undefined ? enter() : options.scope.runInAsyncScope(enter)
  try {
    const lease = new Lease(def, idleMs, { ...options, headers: span.headers, scope }, holder)
    span.opened(lease.id)
    return { lease, span }
  } catch (error) {
    span.refused(error)
    throw error
  }
}

/** Takes the first result for its mode, and steps aside. */
export function untilFirst(mode: Mode, span: StreamSpan, after: () => void): Mode['onResult'] {
  return (result) => {
    after()
    if (result.done !== true) span.firstResult()
    mode.onResult(result)
  }
}
