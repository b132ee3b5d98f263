// A live stream whose events are pulled out of something, as a body or a socket is: silence there is no end (rule 13). Add-ons say so beside the options of
// `open`; users cannot. The key is one of the whole process, so that several copies of this library agree.

const PULLED: unique symbol = Symbol.for('velo-stream.pulled') as never

/** The same options, for a stream that has no idle timeout unless one was set, and ends with `VELO_IDLE` after that. */
export function pulled<Options extends object>(options: Options): Options {
  return { ...options, [PULLED]: true }
}

export function isPulled(options: object): boolean {
  return (options as { readonly [PULLED]?: unknown })[PULLED] === true
}
