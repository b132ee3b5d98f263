// Clients that may come back to a stream that still knows them: for whoever must tell them from those who only say so. Owns the names under which they are awaited.

const awaited = new Map<string, string | undefined>()

/** From now on somebody may come back who says `key`, as that owner. */
export function awaitReturn(key: string, owner: string | undefined): void {
  awaited.set(key, owner)
}

/** Nobody does any more. */
export function forgetReturn(key: string): void {
  awaited.delete(key)
}

/** Whether who says `key` is awaited, as that owner. */
export function isAwaited(key: string, owner: string | undefined): boolean {
  return awaited.has(key) && awaited.get(key) === owner
}
