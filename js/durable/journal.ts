// js/durable: streams that outlive their process: their events and outcomes are kept in a journal, and after a crash played to a new instance.
// Knows nothing of HTTP, sockets and brokers. This file is the interface of every journal, in words that an embedded store, Redis, NATS and Kafka
// can keep; ARCHITECTURE section 12 says why each is as it is. Owns no behavior.

/** Which stream: ids are per function name. Any Unicode. */
export interface StreamKey {
  readonly function: string
  readonly id: string
}

/** What a stream is born with; ignored in its later lives. */
export interface StreamInit {
  /** When it was made, Unix ms. */
  readonly at: number
  /** Of `ctx.random()`. */
  readonly seed: number
}

/** The right to write to a stream. The next `open` of the same key ends it. */
export interface Ownership {
  readonly key: StreamKey
  /** Grows with each `open`. */
  readonly epoch: number
  /** Random: a store that lost its tail may give an epoch twice. */
  readonly token: string
}

/** One event that is kept. */
export interface EventRecord {
  /** When it was accepted, Unix ms. */
  readonly at: number
  /** The input ended here; there are no bytes then. */
  readonly end: boolean
  readonly bytes: Uint8Array
}

/** What one `ctx.run` came to. */
export interface Outcome {
  /** Its number, which no other outcome of the stream has; with a state, how many `ctx.run` had begun before it. */
  readonly asked: number
  readonly bytes: Uint8Array
}

/** A snapshot of the state, and how many of each were done when it was taken. */
export interface Checkpoint {
  /** Of the state's shape, as the user counts. */
  readonly version: number
  readonly events: number
  readonly results: number
  readonly asked: number
  readonly bytes: Uint8Array
}

/** Hashes of results that were given out: the first is that of the result with index `from`. */
export interface ResultHashes {
  readonly from: number
  readonly values: Uint32Array
}

/** Results themselves: the first is the one with index `from`. */
export interface KeptOutputs {
  readonly from: number
  readonly values: readonly Uint8Array[]
}

/** What a journal knows of a stream when it is opened. */
export interface Kept {
  readonly own: Ownership
  /** There was nothing of it before. */
  readonly isNew: boolean
  /** As its first life was given them. */
  readonly at: number
  readonly seed: number
  /** Index of the first event that is kept. */
  readonly first: number
  /** Index of the next event to come; the end of the input counts as one. */
  readonly events: number
  /** Results of which it is known that they were delivered. */
  readonly delivered: number
  readonly hashes: ResultHashes
  /** In the order in which they were kept. */
  readonly outcomes: readonly Outcome[]
  readonly state: Checkpoint | undefined
  /** Results before the checkpoint that were not delivered. */
  readonly outputs: KeptOutputs
  /** It has ended, and this is what is retained of its end. */
  readonly over: Uint8Array | undefined
}

/** What is kept in one step. Every part is optional and absolute, so that repeating it is harmless. */
export interface Commit {
  /** Lets go of outputs below it; never goes backwards. */
  readonly delivered?: number
  readonly hashes?: ResultHashes
  readonly outcomes?: readonly Outcome[]
  /** Number of an outcome that was stored before: a store that does not have it has lost the end of the stream, and refuses the commit. */
  readonly after?: number
  /** Events, hashes and outcomes with lower numbers are dropped. Its count of events may be beyond what was appended. */
  readonly state?: Checkpoint
  /**
   * Put behind the results that are kept, or that were delivered: those with lower indexes are passed over, a gap is refused. With a checkpoint older than the one that is kept
   * they are a repeat.
   */
  readonly outputs?: KeptOutputs
  /** With `retain: 0` everything of the stream is removed; else `bytes` alone stay for so many ms. */
  readonly over?: { readonly bytes: Uint8Array; readonly retain: number }
}

/** At most so many events, and no more after these bytes are reached; one event is always given. */
export interface ReadLimit {
  readonly events: number
  readonly bytes: number
}

/** A stream that is kept and has not ended. */
export interface Unfinished {
  readonly id: string
  /** Index of the next event to come. */
  readonly events: number
  /** Results delivered. */
  readonly results: number
  /** What is kept of it. */
  readonly bytes: number
}

/**
 * Where durable streams are kept. What one ownership asks for happens in that order, and each promise settles when the step is kept as the journal
 * promises. Whatever is refused or fails rejects with `VELO_CHECKPOINT`: an ownership that is not the current one, a gap in the numbers, a stream
 * that would keep more bytes than it may, a store that is full, read-only or gone. Nothing of a refused step is stored, unless the store itself failed
 * while it wrote: then `read` says what became of it, and whoever goes on asks before it gives the same numbers to something else. What was kept stays kept,
 * and other streams go on.
 */
export interface Journal {
  /** Makes the stream, or takes it over: the owner before can write nothing more. */
  open(key: StreamKey, init: StreamInit): Promise<Kept>
  /** Keeps events; `from` is the index of the first. Those that are there already are passed over, a gap is refused. The end of the input alone is kept however full the stream is. */
  append(own: Ownership, from: number, records: readonly EventRecord[]): Promise<void>
  /** Events from an index on, which must not lie before the first that is kept; none if there are no more. */
  read(own: Ownership, from: number, limit: ReadLimit): Promise<readonly EventRecord[]>
  /** Keeps all of it or nothing, after the appends before it. */
  commit(own: Ownership, commit: Commit): Promise<void>
  /** Removes a stream, whoever owns it. False: there was none. */
  discard(key: StreamKey): Promise<boolean>
  /** Streams of a function that are kept and have not ended, in no certain order. */
  unfinished(functionName: string): Promise<readonly Unfinished[]>
  /** Gives the store back when everything asked for before is done; nothing may be asked for afterwards. */
  close(): Promise<void>
}
