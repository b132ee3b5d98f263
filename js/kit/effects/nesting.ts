// Finds the step that the caller runs in: `ctx.run` inside a step of the same function is refused. A step is not executed again once its outcome is stored, so
// the steps inside it would not be called on replay, and their outcomes would go to later calls.

import { AsyncLocalStorage } from 'node:async_hooks'
import { VeloError } from '../errors.js'

interface RunningStep {
  /** The context whose `run` was called. */
  readonly owner: object
  readonly name: string
  /** The step of another stream that this one was called in. */
  readonly outer: RunningStep | undefined
  hasSettled: boolean
}

const scope = new AsyncLocalStorage<RunningStep>()
/** Steps in flight on this thread, of all streams. */
let inFlight = 0

/** Throws `VELO_CONFIG` if the caller runs inside a step of `owner`. */
export function refuseNesting(owner: object, name: string): void {
  if (inFlight === 0) return
  for (let step = scope.getStore(); step !== undefined; step = step.outer) {
    if (step.owner !== owner || step.hasSettled) continue
    const field = `ctx.run('${name}')`
    const message =
      `${field}: called inside the step '${step.name}', which is still running. A step cannot contain another one: ` +
      `call ctx.run('${name}') before or after ctx.run('${step.name}'), or call its plain function inside the step`
    throw new VeloError('VELO_CONFIG', message, { field })
  }
}

/** Runs `work` as the step `name` of `owner`, until its promise settles. */
export function runStep<Value>(owner: object, name: string, work: () => Promise<Value>): Promise<Value> {
  const step: RunningStep = { owner, name, outer: inFlight === 0 ? undefined : scope.getStore(), hasSettled: false }
  inFlight++
  const settled = (): void => {
    step.hasSettled = true
    // Before Node.js 24 an enabled AsyncLocalStorage makes every promise of the thread slower (350 to 730 ns an event).
    if (--inFlight === 0) scope.disable()
  }
  const promise = scope.run(step, work)
  promise.then(settled, settled)
  return promise
}
