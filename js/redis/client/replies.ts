// Answers of a server in one shape, whichever protocol (2 or 3) and client they came by: maps may be arrays of pairs, flat arrays, Maps or objects.

/** An entry of a stream: its id, and names and values in turn; `undefined` where it was trimmed away. */
export interface RawEntry {
  readonly id: string
  readonly fields: readonly (string | Buffer)[] | undefined
}

/** `[key, value]` of a map. */
export function pairsOf(reply: unknown): [string, unknown][] {
  if (reply === null || reply === undefined) return []
  if (reply instanceof Map) return [...reply].map(([key, value]) => [String(key), value])
  if (!Array.isArray(reply)) return Object.entries(reply as object)
  if (reply.length > 0 && Array.isArray(reply[0])) return reply.map(([key, value]) => [String(key), value])
  const pairs: [string, unknown][] = []
  for (let at = 0; at + 1 < reply.length; at += 2) pairs.push([String(reply[at]), reply[at + 1]])
  return pairs
}

/** A map of texts and numbers as an object. */
export function recordOf(reply: unknown): Record<string, unknown> {
  return Object.fromEntries(pairsOf(reply))
}

/** Entries as XRANGE and XCLAIM give them. */
export function entriesOf(reply: unknown): RawEntry[] {
  if (!Array.isArray(reply)) return []
  const entries: RawEntry[] = []
  for (const entry of reply) if (entry !== null) entries.push({ id: String(entry[0]), fields: fieldsOf(entry[1]) })
  return entries
}

function fieldsOf(fields: unknown): readonly (string | Buffer)[] | undefined {
  if (Array.isArray(fields)) return fields
  return fields === null || fields === undefined ? undefined : (pairsOf(fields).flat() as (string | Buffer)[])
}

/** Entries of several streams, as XREAD and XREADGROUP give them. */
export function streamsOf(reply: unknown): { stream: string; entries: RawEntry[] }[] {
  return pairsOf(reply).map(([stream, entries]) => ({ stream, entries: entriesOf(entries) }))
}
