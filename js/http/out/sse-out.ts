// Server-sent events out.

import { configError } from '../../kit/check.js'
import { silence } from '../../kit/promises.js'
import { warnOnce } from '../../kit/sight/failure-report.js'
import type { Answer } from '../options.js'
import type { Encoder } from './encoder.js'
import type { Refusal } from './refusal.js'

/** Keeps the connection, and says nothing. */
export const COMMENT = ':\n\n'

export class SseEncoder implements Encoder {
  readonly headers: Readonly<Record<string, string>>
  readonly prelude: string | undefined
  readonly #answer: Answer
  /** Results and last events written. */
  #index = 0

  /** `start`: fields that come before all results. */
  constructor(answer: Answer, headers: Readonly<Record<string, string>>, start?: string) {
    this.#answer = answer
    this.headers = { 'content-type': 'text/event-stream; charset=utf-8', ...headers }
    this.prelude = answer.retry === undefined ? start : `retry: ${answer.retry}\n${start ?? '\n'}`
  }

  encode(result: unknown): string {
    const field = this.#answer.id?.(result as never, this.#index)
    return (field === undefined ? '' : `id: ${line(field, 'id')}\n`) + this.body(result)
  }

  /** All but the id: the replay has ids of its own. */
  body(result: unknown): string {
    const written = block(this.#answer.event?.(result as never), result)
    this.#index++
    return written
  }

  failed(refusal: Refusal, error: unknown): string {
    return this.#errorEvent(refusal, error) ?? `event: error\ndata: ${JSON.stringify(refusal.body.error)}\n\n`
  }

  /** The event that the user makes of an error, if that works. */
  #errorEvent({ status, body }: Refusal, error: unknown): string | undefined {
    try {
      const made = this.#answer.errorEvent?.(error, { status, ...body.error })
      if (made === undefined) return undefined
      if (typeof made === 'object' && 'data' in made) return block(made.event, made.data)
      silence(Promise.resolve(made as unknown as undefined))
      throw configError('handler(options).errorEvent', 'a function that returns { event?, data }, or undefined', made)
    } catch (own) {
      warnOnce('errorEvent', own)
      return undefined
    }
  }

  ended(): string | undefined {
    const { end } = this.#answer
    return end === undefined ? undefined : `event: ${end}\ndata:\n\n`
  }
}

/** Tells clients to look for another server. */
export const DRAINING = 'event: draining\ndata:\n\n'

function block(name: string | undefined, value: unknown): string {
  const data = typeof value === 'string' ? value.split(/\r\n|\n|\r/).join('\ndata: ') : (JSON.stringify(value) ?? 'null')
  return `${name === undefined ? '' : `event: ${line(name, 'event')}\n`}data: ${data}\n\n`
}

/** What options make of a result must not break the line it stands in. */
function line(value: unknown, name: string): string {
  if (typeof value !== 'string' || /[\r\n\0]/.test(value))
    throw configError(`handler(options).${name}`, 'a function that answers one line', value)
  return value
}
