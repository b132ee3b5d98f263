// What `consume` works between: sources whose events are acknowledged, and sinks. Adapters of brokers implement these; anything that can be iterated is a source, too.

/** Where events come from that want to be acknowledged. Events count from 0, in the order in which the iterator gives them. */
export interface AckSource<In> extends AsyncIterable<In> {
  /** Every event before number `upTo` is done. Called with growing numbers, one call at a time; resolves when that is kept. */
  ack(upTo: number): unknown
  /** In place of iterating one by one: arrays of events, as they come. `next(room)` should give no more than `room` events. */
  batches?(): AsyncIterator<readonly In[], unknown, number | undefined>
  /** Most events that are read and have not reached the function, about. Default 1024. */
  readonly ahead?: number | undefined
  /** Event number `event` anew, as it came. Without it the value that was given is given again. */
  again?(event: number): In
  /**
   * The function threw, and this event alone was in work; it was executed `executions` times in this process. Resolves with true where it was put aside (in a dead-letter stream, say): it counts as done then. With false it is delivered again. Without this method a
   * function that throws ends `consume`.
   */
  failed?(event: number, error: unknown, executions: number): boolean | PromiseLike<boolean>
  /** Nothing is acknowledged any more; called once, whatever became of the events. Those from number `begun` on have not reached the function. */
  end?(begun: number): unknown
  /** How many events were put aside, where the source does that by itself, too. */
  readonly deadLettered?: number
}

/** A source of many that go on beside each other: the partitions of a topic that this process has, say. Order is kept within each. */
export interface PartedSource<In> {
  /** Parts as they come. The end: there are no more, once those that were given are over. */
  parts(): AsyncIterator<Part<In>>
  /** Called once, when nothing of any part is acknowledged any more. */
  end?(): unknown
  /** Over all parts. */
  readonly deadLettered?: number
}

/** One of them. Events count from 0 in each. */
export interface Part<In> extends AckSource<In> {
  /** Aborted once somebody else has it: what is in work is dropped, nothing of it is stored or acknowledged, and nobody hears of an error. */
  readonly lost?: AbortSignal
}

/** Where results go. */
export interface Sink<Out> {
  /** Resolves when these results were accepted. One call at a time, in order. */
  write(results: readonly Out[]): unknown
  /** Parts of a source may write at the same time, each one call at a time. Without it they take turns. */
  readonly isConcurrent?: boolean
  /** There are no more; called once, whatever became of them. */
  end?(): unknown
  /** What stores results and acknowledges events of `source`, or of one part of it, in one step, where that is possible. */
  joined?(source: unknown): Joined<Out> | undefined
}

/** A sink and a source that are one store. */
export interface Joined<Out> {
  /** Called once, before the source is read. */
  begin?(): unknown
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
