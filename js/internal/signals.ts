// One listener per AbortSignal, however many streams it guards; it is taken off with the last of them.

/** What a signal guards. */
export interface Guarded {
  abort(reason: unknown): void
}

interface Watch {
  guarded: Set<Guarded>
  listener: () => void
}

const watches = new WeakMap<AbortSignal, Watch>()

export function guard(signal: AbortSignal, stream: Guarded): void {
  let watch = watches.get(signal)
  if (watch === undefined) {
    const guarded = new Set<Guarded>()
    const listener = () => {
      watches.delete(signal)
      for (const one of guarded) one.abort(signal.reason)
    }
    watch = { guarded, listener }
    watches.set(signal, watch)
    signal.addEventListener('abort', listener, { once: true })
  }
  watch.guarded.add(stream)
}

export function unguard(signal: AbortSignal, stream: Guarded): void {
  const watch = watches.get(signal)
  if (watch === undefined || !watch.guarded.delete(stream) || watch.guarded.size > 0) return
  watches.delete(signal)
  signal.removeEventListener('abort', watch.listener)
}
