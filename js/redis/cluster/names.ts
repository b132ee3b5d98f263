// Names of what all sessions of a cluster share: one hash tag, so that one script may touch it.

export interface Names {
  /** The stream of sessions, and the workers. */
  readonly directory: readonly [string, string]
  /** Sessions that were given up. */
  readonly dead: string
  /** Written to see how far replicas are. */
  readonly mark: string
  /** There is something to host. */
  readonly news: string
  /** What the channel of each worker begins with. */
  readonly worker: string
}

/** Stands for all functions where some are paused: no function is called so. */
export const ALL = ''

/** Names of functions in one field of the directory. */
export const pausedOf = (names: string): string[] => (names === '' ? [] : names.split(' ').map((word) => decodeURIComponent(word.slice(1))))
export const pausedWord = (name: string): string => `/${encodeURIComponent(name)}`

export function namesOf(prefix: string): Names {
  const tag = `${prefix}:{directory}`
  return { directory: [`${tag}d`, `${tag}w`], dead: `${tag}x`, mark: `${tag}r`, news: `${tag}!`, worker: `${tag}@` }
}
