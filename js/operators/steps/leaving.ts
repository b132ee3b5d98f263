// The end of a chain from outside and for its steps: the stream's signal, that of the calls, and what is told to steps at the end.

import { AbortError, type StreamContext } from '../../index.js'

export class Leaving {
  private readonly ctx: StreamContext
  private readonly leave: () => void
  private controller: AbortController | null = null
  private watching = false
  private over = false
  private ends: (() => void)[] | null = null

  /** `leave` is called when the stream is closed or aborted while it is watched. */
  constructor(ctx: StreamContext, leave: () => void) {
    this.ctx = ctx
    this.leave = leave
  }

  /** Of the calls of the steps. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController()
      if (this.over) this.controller.abort(this.reason())
      else this.watch()
    }
    return this.controller.signal
  }

  atEnd(callback: () => void): void {
    ;(this.ends ??= []).push(callback)
  }

  /** From now on closing the stream ends a wait at once. Streams that never wait do not pay for the signal. */
  watch(): void {
    if (this.watching || this.over) return
    this.watching = true
    if (this.ctx.signal.aborted) this.leave()
    else this.ctx.signal.addEventListener('abort', this.leave)
  }

  /** The chain has ended; answers what a callback threw. */
  stop(): { error: unknown } | undefined {
    let thrown: { error: unknown } | undefined
    // A step that has ended the stream itself may still go on to its end.
    if (this.over) return undefined
    this.over = true
    if (this.watching) this.ctx.signal.removeEventListener('abort', this.leave)
    for (const callback of this.ends ?? []) {
      try {
        callback()
      } catch (error) {
        thrown ??= { error }
      }
    }
    return thrown
  }

  /** The results of calls under way are not wanted any more. */
  abort(): void {
    this.controller?.abort(this.reason())
  }

  reason(): unknown {
    const { signal } = this.ctx
    return signal.aborted ? signal.reason : new AbortError(`${this.ctx.name}: the stream ended before this call`)
  }
}
