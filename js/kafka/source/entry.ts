// A message with all that is known of it, for functions that want more than its value.

import type { RecordLike } from '../client/kafka-like.js'
import type { KafkaEntry } from './options.js'

export function entryOf(topic: string, partition: number, record: RecordLike, value: unknown): KafkaEntry<unknown> {
  const { offset, key, timestamp } = record
  return { topic, partition, offset, key, headers: headersOf(record), time: Number(timestamp), value }
}

function headersOf({ headers }: RecordLike): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) texts[name] = last.toString()
  }
  return texts
}
