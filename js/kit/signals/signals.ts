// js/kit/signals: signals of users, and of the process. Knows nothing of what they end.
//
// Signals of users. One listener per AbortSignal, however many streams, sends and reads it guards; it is taken off with the last of them.

interface Watch {
  guarded: Set<() => void>
  listener: () => void
}

const watches = new WeakMap<AbortSignal, Watch>()

/** Calls `stop` when the signal fires; answers how to take that back. The signal has not fired yet. */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  let watch = watches.get(signal)
  if (watch === undefined) {
    const guarded = new Set<() => void>()
    const listener = () => {
      watches.delete(signal)
      for (const one of guarded) one()
    }
    watch = { guarded, listener }
    signal.addEventListener('abort', listener, { once: true })
    watches.set(signal, watch)
  }
  const { guarded, listener } = watch
  guarded.add(stop)
  return () => {
    if (!guarded.delete(stop) || guarded.size > 0 || watches.get(signal)?.guarded !== guarded) return
    watches.delete(signal)
    try {
      signal.removeEventListener('abort', listener)
    } catch {
      // It only passes for a signal; nobody listens to what it says from here on.
    }
  }
}

/** Why it fired; what reading that throws, where it only passes for a signal. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason
  } catch (error) {
    return error
  }
}
