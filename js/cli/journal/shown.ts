// What is kept, in words and as JSON.

import { inspect } from 'node:util'
import type { StreamLine } from '../../durable/index.js'

/** How a stream comes back, as far as its numbers tell: a history is only dropped for a state. */
export function wayBack({ over, damage, first }: StreamLine): 'ended' | 'damaged' | 'state' | 'replay' {
  if (damage !== undefined) return 'damaged'
  if (over !== undefined) return 'ended'
  return first > 0 ? 'state' : 'replay'
}

/** A stream as `--json` writes it. */
export function lineJson(line: StreamLine): Record<string, unknown> {
  const { function: name, id, at, first, events, results, bytes, over, damage } = line
  return {
    function: name,
    id,
    made: date(at),
    first,
    events,
    results,
    bytes,
    back: wayBack(line),
    ...(over !== undefined && { until: date(over) }),
    ...(damage !== undefined && { damage }),
  }
}

/** A time as ISO 8601; nothing for one that is none. */
export function date(ms: number): string {
  const made = new Date(ms)
  return Number.isNaN(made.getTime()) ? '' : made.toISOString()
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** 1536 -> 1.5 kB. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** Text of strangers on one line: it moves no cursor. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|[\u2028\u2029]/gu, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}

/** A value as one line of JSON, as far as JSON can say it: bytes are base64, a Map its entries, a Set its values, what it cannot say is text. */
export function json(value: unknown): string {
  try {
    return JSON.stringify(value, replacer) ?? 'null'
  } catch {
    // It holds itself.
    const isLine = typeof value === 'object' && value !== null && 'value' in value
    return JSON.stringify(isLine ? { ...value, value: inspect(value.value) } : inspect(value))
  }
}

function replacer(this: unknown, key: string, given: unknown): unknown {
  // A Buffer has made itself a list of numbers by now.
  const value = (this as Record<string, unknown>)[key]
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value]
  if (value instanceof RegExp) return String(value)
  if (value instanceof Error) return { ...value, name: value.name, message: value.message }
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return given
}
