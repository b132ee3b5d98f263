// Events that come by calls, through the steps of a chain, to a sink that takes results by calls: no promise between two of them. It lasts as long as
// nothing has to be waited for and no value becomes many; the rest is pulled.

import { canPush, PUSH, type Sink } from '../../kit/iteration/push.js'
import { SKIP } from './step.js'

/** What it needs of its chain. */
export interface ThroughHost {
  /** No more events are taken. */
  readonly full: boolean
  apply(value: unknown, at: number): unknown
  /** What comes of an answer of a step that is no result. */
  goOn(out: unknown): Promise<IteratorResult<unknown, unknown>>
  next(): Promise<IteratorResult<unknown, unknown>>
  /** Rejects once the events are given back. */
  fail(error: unknown): Promise<unknown>
  /** The events ended or threw by themselves. */
  sourceEnded(): void
}

export class Through implements Sink {
  private readonly host: ThroughHost
  private readonly sink: Sink

  constructor(host: ThroughHost, sink: Sink) {
    this.host = host
    this.sink = sink
  }

  start(events: unknown): void {
    if (canPush(events) && !this.host.full) events[PUSH](this)
    else this.pull(this.host.next())
  }

  value(event: unknown): boolean {
    const { host, sink } = this
    let out: unknown
    try {
      out = host.apply(event, 0)
    } catch (error) {
      this.fails(error)
      return false
    }
    if (typeof out !== 'symbol') {
      if (!sink.value(out)) return false
      if (!host.full) return true
      this.pull(host.next())
      return false
    }
    if (out === SKIP && !host.full) return true
    this.pull(host.goOn(out))
    return false
  }

  ended(): void {
    this.host.sourceEnded()
    this.pull(this.host.next())
  }

  threw(error: unknown): void {
    this.host.sourceEnded()
    this.fails(error)
  }

  private fails(error: unknown): void {
    this.host.fail(error).catch((thrown) => this.sink.threw(thrown))
  }

  private pull(next: Promise<IteratorResult<unknown, unknown>>): void {
    next.then(
      (result) => {
        if (result.done === true) this.sink.ended()
        else if (this.sink.value(result.value)) this.pull(this.host.next())
      },
      (error) => this.sink.threw(error),
    )
  }
}
