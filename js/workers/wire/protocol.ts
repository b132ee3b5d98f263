// js/workers/wire: what the two sides of a worker thread say to each other. Values travel in ducts, batch by batch, each batch with a header; commands
// travel as messages of the thread's port: at most a handful for each stream, so that bounding the streams bounds them.
//
// Owns the words of both, here, and beside this file the ends of ducts, the transfers of large buffers, and the tally that both sides see. Knows nothing of
// who is at either side: no function, no pool, no stream.

import type { MessagePort } from 'node:worker_threads'
import type { StreamHeaders } from '../../kit/types.js'

/** Bytes in front of every batch: kind of control (1), whether it was told to leave (1), 2 unused, bytes of its payload (4). */
export const HEADER = 8

/** What a batch says after its values. */
export const Control = {
  None: 0,
  /** To the function: no more events. */
  End: 1,
  /** To the function: thrown at its next pull. */
  Fail: 2,
  /** To the caller: the function has returned. */
  Returned: 3,
  /** To the caller: the function has thrown. */
  Threw: 4,
  /** To the caller, from a function that asks along with its results: it waits for an event. */
  Asks: 5,
} as const

/** Of what is thrown into a function so many are known again when they come back. */
export const KNOWN_ERRORS = 32

/** What a function waits for. */
export const Pause = {
  None: 0,
  /** An event. */
  Event: 1,
  /** Room for its result. */
  Room: 2,
} as const

/** Values of a batch, at most; also no more than half the buffer, so that one is on its way while the other is read. */
export const BATCH_VALUES = 512
/** Bytes of a batch beyond which it is sent: a little less than the memory that a writer keeps between batches. */
export const BATCH_BYTES = 60_000
/** The same with large buffers that travel beside it. */
export const BATCH_WEIGHT = 1 << 20

/** Something thrown, on its way: a copy, and the number under which the caller knows the original, if it does. */
export interface Thrown {
  packed: unknown
  token?: number | undefined
  /** Number of the stage that threw it, in a pipeline. */
  stage?: number | undefined
}

/** Payload of `Returned` and `Threw`, and of `finished`. */
export interface Outcome {
  /** Results that nobody wanted any more. */
  discarded: number
  /** It ended because it was told to: so is the stage after it, soon. */
  left: boolean
  thrown?: Thrown | undefined
  /** What the last function of the stream returned, packed, where it returned something that can travel. */
  returned?: string | undefined
}

/** One function of a stream. */
export interface StageRef {
  href: string
  exported: string
  name: string
  /** Its number in the pipeline. */
  index: number
}

/** Starts one function, or several that are neighbors, for a stream. */
export interface OpenCommand {
  kind: 'open'
  /** Number of the segment on this thread. */
  segment: number
  stages: StageRef[]
  id: string
  name: string
  headers: StreamHeaders | undefined
  context: unknown
  /** The duct of its events, and that of its results. */
  events: number
  results: number
  /** Capacity of each; in lockstep nothing is made unasked. */
  buffer: number
  lockstep: boolean
  /** `'module'`: the codec that the module of the function exports. */
  codec: 'structured' | 'json' | 'binary' | 'module'
  transfer: boolean
  /** Where its stages are counted, and the number of the first one there. */
  tally: { memory: SharedArrayBuffer; first: number }
  /** ms that a stage which ends is waited for. */
  closeTimeout: number
  /** Number of the thread that its events come from; 0: from the caller. */
  fed: number
  /** Number of the thread that its results go to; 0: to the caller, who is told of its end otherwise. */
  spliced: number
  /** What stands between the library and the functions: the address of its module, what it needs, and how many stages the pipeline has. */
  harness: { module: string; data: unknown; stages: number; isTraced: boolean } | undefined
}

/**
 * Whether a function in lockstep goes on from its `yield` to where it waits for its next event, and says so along with its result: one trip between threads an event.
 * Only between the caller and one thread: events are pulled by whoever wants the result, who must know of both.
 */
export function asksAlong({ lockstep, fed, spliced }: Pick<OpenCommand, 'lockstep' | 'fed' | 'spliced'>): boolean {
  return lockstep && fed === 0 && spliced === 0
}

/** Of a function that has ended: nothing was thrown or returned, and nobody is owed a count. It needs no bytes. */
export function isPlainEnd({ discarded, thrown, returned }: Outcome): boolean {
  return discarded === 0 && thrown === undefined && returned === undefined
}

/** Closed, or aborted with what is thrown. */
export interface LeaveCommand {
  kind: 'leave'
  segment: number
  thrown: Thrown | undefined
}

export type Command =
  | OpenCommand
  | LeaveCommand
  /** The source was given back. */
  | { kind: 'released'; segment: number; thrown: Thrown | undefined }
  | { kind: 'ping'; ping: number }
  /** The caller looks at the results of a segment no more, and still wants to hear of its end. */
  | { kind: 'tell'; segment: number }
  /** A way for large and shared buffers to another thread, and from there. */
  | { kind: 'peer'; thread: number; port: MessagePort }

export type Report =
  | { kind: 'ready' }
  /** The answer to a ping, by its number. */
  | { kind: 'pong'; ping: number }
  /** The function reads no further event. */
  | { kind: 'stopped'; segment: number }
  /** A function has finished whose results go to another thread, or that the caller has stopped looking at. */
  | { kind: 'finished'; segment: number; outcome: Outcome }
  /** A function that was told to leave has not ended by that: it does something of its own first. */
  | { kind: 'lingers'; segment: number }

/** What a thread is started with. */
export interface ThreadData {
  /** Large buffers, both ways. */
  transfers: MessagePort
  /** us that a thread looks for events before it sleeps. */
  spin: number
  /** One word: number of the segment whose code ends the thread, 0 if that is not known. */
  culprit: SharedArrayBuffer
}
