// Many who listen to one signal, with one listener on it: Node warns of more than ten, and each would have to be found again to be removed.

const lists = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls `heard` when the signal fires. Answers what ends that. */
export function onNotice(signal: AbortSignal | undefined, heard: () => void): () => void {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    heard()
    return () => {}
  }
  const list = lists.get(signal) ?? begin(signal)
  list.add(heard)
  return () => {
    list.delete(heard)
    if (list.size === 0 && lists.get(signal) === list) end(signal)
  }
}

const tellers = new WeakMap<AbortSignal, () => void>()

function begin(signal: AbortSignal): Set<() => void> {
  const list = new Set<() => void>()
  const tell = (): void => {
    end(signal)
    for (const heard of list) heard()
  }
  lists.set(signal, list)
  tellers.set(signal, tell)
  signal.addEventListener('abort', tell)
  return list
}

function end(signal: AbortSignal): void {
  signal.removeEventListener('abort', tellers.get(signal) as () => void)
  lists.delete(signal)
}
