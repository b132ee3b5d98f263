// What an inner function of an operator gets as `ctx`: that of the operator, with a signal of its own.

import type { StreamContext } from '../../index.js'
import { TIMING, type Timing } from '../../kit/effects/timing.js'

export function laneContext(ctx: StreamContext, signal: AbortSignal): StreamContext {
  const timing: Timing = { [TIMING]: (change) => (ctx as Timing)[TIMING]?.(change) }
  const { id, name, headers, context } = ctx
  return {
    id,
    name,
    signal,
    headers,
    context,
    ...timing,
    get aborted() {
      return signal.aborted || ctx.aborted
    },
    get state() {
      return ctx.state
    },
    set state(value: unknown) {
      ;(ctx as { state: unknown }).state = value
    },
    get replaying() {
      return ctx.replaying
    },
    run: (effect, fn, options) => ctx.run(effect, fn, options),
    now: () => ctx.now(),
    random: () => ctx.random(),
  }
}
