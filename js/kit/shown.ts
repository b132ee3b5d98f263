// What was thrown, on one line: it may be anything.

/** Never throws. */
export function shown(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'an error that cannot be shown'
  }
}
