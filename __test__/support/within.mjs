// Bounds a wait: a test that hangs says what it waited for.

/** Settles as `promise` does, or rejects after `ms` naming `what`. */
export async function within(ms, promise, what = 'the promise') {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not settle within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
