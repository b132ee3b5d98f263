// Waits on a client that may never answer: after a broker was gone, some of its promises stay as they are.

/** Settles with it, or rejects after so many ms. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when it has settled, however it did, after so many ms at the latest. */
export async function soon(ms: number, promise: Promise<unknown> | undefined): Promise<void> {
  if (promise !== undefined) await within(ms, '', promise).catch(() => {})
}
