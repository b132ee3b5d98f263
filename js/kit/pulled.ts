// A live stream whose events are pulled out of something, as a body or a socket is: silence there is no end (rule 13), and bytes are counted (rule 4). Add-ons say
// so beside the options of `open`; users cannot. The key is one of the whole process, so that several copies of this library agree.

const PULLED: unique symbol = Symbol.for('velo-stream.pulled') as never

/** What waits in a stream. */
export interface Depth {
  /** Events that were accepted and not delivered. */
  readonly undelivered: number
  /** Results that were yielded and not read. */
  readonly unread: number
}

/** Who pulls. */
export interface Puller {
  /** The stream is open. */
  watch(depth: Depth): void
  /** Whether the function must wait before one more result: so many are unread, at least one. It is asked again after each read. */
  holds(unread: number): boolean
}

/** The same options, for a stream that has no idle timeout unless one was set, and ends with `VELO_IDLE` after that. */
export function pulled<Options extends object>(options: Options, by: Puller): Options {
  return { ...options, [PULLED]: by }
}

export function pullerOf(options: object): Puller | undefined {
  return (options as { readonly [PULLED]?: Puller })[PULLED]
}
