// A live stream whose events are pulled out of something, as a body or a socket is: silence there is no end (rule 13), and bytes are counted (rule 4). Add-ons say
// so beside the options of `open`; users cannot. The key is one of the whole process, so that several copies of this library agree.

const PULLED: unique symbol = Symbol.for('velo-stream.pulled') as never

/** How far a stream has come. */
export interface Progress {
  /** Events that were delivered to the function. */
  readonly delivered: number
  /** Who is told when so many were; null while nobody is. */
  milestone: Milestone | null
  /** The milestone matters soon: a function on another thread says by itself how far it is. It is asked again after each time. */
  hear(): void
  /** Of a durable stream: all results below `index` have arrived, see `confirms`. */
  confirm?(index: number): void
}

/** Who is told, and when. It may be told late by a function on another thread. */
export interface Milestone {
  readonly at: number
  reached(): void
}

/** What the journal of a durable stream knew as it was opened. */
export interface Standing {
  /** There was nothing of it before. */
  readonly isNew: boolean
  /** Its input has ended. */
  readonly isEnded: boolean
  /** Events that are kept; the end of the input counts as one. */
  readonly events: number
  /** Results that were delivered. */
  readonly results: number
}

/** Who pulls, and reads the results. */
export interface Puller {
  /** The stream is open. */
  watch(progress: Progress): void
  /** What the reader gets in place of this result. Called once, as it is yielded. Throws nothing. */
  encode(result: unknown): unknown
  /** It says itself which results have arrived: asking for the next one does not. */
  readonly confirms?: boolean
  /** The journal of a durable stream was read. */
  opened?(standing: Standing): void
  /** Whether the function must wait before the last result goes in: so many are unread. It is asked again after each read. */
  holds(unread: number): boolean
  /** Bytes that wait, events and results together, where somebody counts them. */
  readonly bytes?: number
}

/** The same options, for a stream that has no idle timeout unless one was set, and ends with `VELO_IDLE` after that. */
export function pulled<Options extends object>(options: Options, by: Puller): Options {
  return { ...options, [PULLED]: by }
}

export function pullerOf(options: object): Puller | undefined {
  return (options as { readonly [PULLED]?: Puller })[PULLED]
}
