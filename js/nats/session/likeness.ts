// What a server has of a configuration, beside what was wanted. Asks nobody.

/** Whether the server has what was asked for: it may say more of it. */
export function isSame(has: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return has === wanted
  if (typeof has !== 'object' || has === null) return false
  const names = Object.keys(wanted)
  if (Array.isArray(wanted) && names.length !== (has as unknown[]).length) return false
  return names.every((name) => isSame((has as Record<string, unknown>)[name], (wanted as Record<string, unknown>)[name]))
}
