// The errors with which a stream is refused, or given up by a timer: one place for their words.

import { AbortError, OverloadedError, TimeoutError, VeloError } from '../kit/errors.js'
import { reasonOf } from '../kit/signals/signals.js'
import { Refusal } from './border/law.js'
import { native } from './border/native.js'

/** The limits of a stream function that a refusal speaks of. */
interface Limits {
  readonly name: string
  readonly maxConcurrent: number
  readonly queue: number
}

/** `open` of Rust answered with no slot; `joined`: the limits are those of several functions. */
export function refusal(slot: number, { name, maxConcurrent, queue }: Limits, joined: boolean): OverloadedError {
  if (slot === Refusal.Draining) return new OverloadedError('VELO_DRAINING', `stream function ${name}: the runtime is draining`)
  if (joined) return new OverloadedError('VELO_OVERLOADED', `pipeline ${name}: one of its functions has no place, nor one in line`)
  if (slot === Refusal.Detached) {
    const message = `stream function ${name}: ${maxConcurrent} of its streams are detached, their function does not finish`
    return new OverloadedError('VELO_OVERLOADED', message)
  }
  const line = queue > 0 ? ` and ${queue} wait in line` : ''
  const most = native.limit()
  const limit = most > 0 ? `, or the process is at its limit, ${most}` : ''
  return new OverloadedError('VELO_OVERLOADED', `stream function ${name}: ${maxConcurrent} streams are open${line}${limit}`)
}

export function idInUse(name: string, id: string): VeloError {
  const field = 'open(options).id'
  const message = `${field}: expected an id that no open stream of '${name}' has, got ${JSON.stringify(id)} (string)`
  return new VeloError('VELO_CONFIG', message, { field })
}

export function drained(streamId: string): OverloadedError {
  return new OverloadedError('VELO_DRAINING', `stream ${streamId}: the deadline of runtime.drain() passed`, { streamId })
}

export function lastedTooLong(streamId: string, ms: number): TimeoutError {
  return new TimeoutError('VELO_TIMEOUT', `stream ${streamId}: it lasted longer than maxDuration, ${ms} ms`, { streamId })
}

export function stalled(streamId: string, ms: number): TimeoutError {
  return new TimeoutError('VELO_TIMEOUT', `stream ${streamId}: nobody read its results for maxStall, ${ms} ms`, { streamId })
}

/** A pulled source fell silent for an explicit `idleTimeout`. */
export function sourceIdle(streamId: string, ms: number | undefined): TimeoutError {
  return new TimeoutError('VELO_IDLE', `stream ${streamId}: the source gave no event for idleTimeout, ${ms} ms`, { streamId })
}

/** More sends wait than the line holds. */
export function overrun(id: string, bound: number, accepted: number): OverloadedError {
  const message = `stream ${id}: ${bound} sends wait already; await send(), or use trySend()`
  return new OverloadedError('VELO_OVERRUN', message, { streamId: id, accepted })
}

export function sendAborted(streamId: string, signal: AbortSignal): AbortError {
  return new AbortError('the send was aborted', { cause: reasonOf(signal), streamId })
}
