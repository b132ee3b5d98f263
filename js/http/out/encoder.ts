// How results are written: what a response begins with, what results become, how an error is told once the status is said, and how it ends.

import { types } from 'node:util'
import type { StreamHeaders } from '../../index.js'
import { configError } from '../../kit/check.js'
import type { Answer } from '../options.js'
import type { Refusal } from './refusal.js'
import { SseEncoder } from './sse-out.js'

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
}

export interface Encoder {
  readonly headers: Readonly<Record<string, string>>
  /** What the response begins with, before any result. */
  readonly prelude: string | undefined
  /** One result. Throws for one that cannot be written. */
  encode(result: unknown): string | Uint8Array
  /** An error after the first byte, or undefined where only a cut can tell. */
  failed(refusal: Refusal, error: unknown): string | undefined
  /** What an answer ends with when all is well. */
  ended(): string | undefined
}

/** Nobody on the way may keep, change or hold back what is being streamed. */
export const LIVE = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }

class NdjsonEncoder implements Encoder {
  readonly headers = { 'content-type': 'application/x-ndjson; charset=utf-8', ...LIVE }
  readonly prelude = undefined

  encode(result: unknown): string {
    return `${JSON.stringify(result) ?? 'null'}\n`
  }

  failed({ body }: Refusal): string {
    return `${JSON.stringify(body)}\n`
  }

  ended(): undefined {}
}

class RawEncoder implements Encoder {
  readonly headers = { 'content-type': 'application/octet-stream', ...LIVE }
  readonly prelude = undefined

  encode(result: unknown): Uint8Array {
    return bytesOf(result)
  }

  failed(): undefined {}

  ended(): undefined {}
}

function bytesOf(result: unknown): Uint8Array {
  if (typeof result === 'string') return Buffer.from(result)
  if (ArrayBuffer.isView(result)) return new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
  if (types.isAnyArrayBuffer(result)) return new Uint8Array(result)
  throw configError("a result with out: 'raw'", 'bytes or a string', result)
}

/** The encoder that the options and the Accept header ask for. */
export function encoderFor(answer: Answer, headers: StreamHeaders): Encoder {
  const format = answer.format === 'auto' ? wanted(String(headers.accept ?? '')) : answer.format
  if (format === 'sse') return new SseEncoder(answer, LIVE)
  return format === 'raw' ? new RawEncoder() : new NdjsonEncoder()
}

/** The head of a response by this encoder. */
export function headOf({ status, headers }: Answer, encoder: Encoder): Head {
  return { status, headers: { ...encoder.headers, ...headers } }
}

/** SSE where the client prefers it; else NDJSON, also for a client that did not think of it. */
function wanted(accept: string): 'sse' | 'ndjson' {
  if (accept === '' || accept === '*/*') return 'ndjson'
  let [sse, ndjson] = [0, 0]
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (type === 'text/event-stream') sse = Math.max(sse, q)
    else if (/^application\/(x-)?(ndjson|jsonl)$/.test(type)) ndjson = Math.max(ndjson, q)
  }
  return sse > ndjson ? 'sse' : 'ndjson'
}
