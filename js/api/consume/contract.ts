// What `consume` works between: sources whose events are acknowledged, and sinks. Adapters of brokers implement these; anything that can be iterated is a source, too.

/** Where events come from that want to be acknowledged. Events count from 0, in the order in which the iterator gives them. */
export interface AckSource<In> extends AsyncIterable<In> {
  /** Every event before number `upTo` is done. Called with growing numbers, one call at a time; resolves when that is kept. */
  ack(upTo: number): unknown
  /** In place of iterating one by one: arrays of events, as they come. */
  batches?(): AsyncIterator<readonly In[]>
  /** Event number `event` anew, as it came. Without it the value that was given is given again. */
  again?(event: number): In
  /**
   * The function threw, and this event alone was in work. Resolves with true where it was put aside (in a dead-letter stream, say): it counts as done then. With false it is delivered again. Without this method a
   * function that throws ends `consume`.
   */
  failed?(event: number, error: unknown): boolean | PromiseLike<boolean>
  /** Nothing is acknowledged any more; called once, whatever became of the events. */
  end?(): unknown
  /** How many events were put aside, where the source does that by itself, too. */
  readonly deadLettered?: number
}

/** Where results go. */
export interface Sink<Out> {
  /** Resolves when these results were accepted. One call at a time, in order. */
  write(results: readonly Out[]): unknown
  /** There are no more; called once, whatever became of them. */
  end?(): unknown
  /** What stores results and acknowledges events of `source` in one step, where that is possible. */
  joined?(source: unknown): Joined<Out> | undefined
}

/** A sink and a source that are one store. */
export interface Joined<Out> {
  /** All of it or nothing: these results, and every event before number `upTo` is done. */
  commit(results: readonly Out[], upTo: number): unknown
}

/** What `consume` did. */
export interface Consumed {
  /** Events that the source gave. */
  readonly received: number
  /** Events that are done, those that were put aside included. */
  readonly acked: number
  /** Results that the sink accepted. */
  readonly results: number
  /** Events that were put aside. */
  readonly deadLettered: number
}
