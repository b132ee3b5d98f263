// Events through a Standard Schema: its output is what the function gets. A synchronous schema costs no promise.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { VeloError } from '../../kit/errors.js'
import { isEnd } from '../../kit/iteration/iteration.js'
import { silence } from '../../kit/promises.js'

type Result = StandardSchemaV1.Result<unknown>

/** The error for an event that failed: names the path of the first issue. */
function eventError(issues: ReadonlyArray<StandardSchemaV1.Issue>, streamId: string): VeloError {
  const first = issues[0]
  const path = first?.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  return new VeloError('VELO_EVENT', `event${path ? `.${path}` : ''}: ${first?.message ?? 'refused by the schema'}`, { issues, streamId })
}

function outcome(result: Result, streamId: string): unknown {
  if (result.issues !== undefined) throw eventError(result.issues, streamId)
  return result.value
}

/** The checked event, or a promise of it where the schema is asynchronous. Throws or rejects with VELO_EVENT. */
export function validate(schema: StandardSchemaV1, event: unknown, streamId: string): unknown {
  const result = schema['~standard'].validate(event)
  return result instanceof Promise ? result.then((late) => outcome(late, streamId)) : outcome(result, streamId)
}

/** The checked event, for a caller that cannot wait. Throws VELO_EVENT, or VELO_CONFIG where the schema is asynchronous. */
export function validateNow(schema: StandardSchemaV1, event: unknown, streamId: string): unknown {
  const checked = validate(schema, event, streamId)
  if (!(checked instanceof Promise)) return checked
  silence(checked)
  throw new VeloError('VELO_CONFIG', 'trySend(event): the schema is asynchronous, use send()', { field: 'schema', streamId })
}

/** Many events checked: their values, or a promise of them where the schema is asynchronous. Throws VELO_EVENT for the first that fails. */
export function validateAll(schema: StandardSchemaV1, events: readonly unknown[], streamId: string): unknown[] | Promise<unknown[]> {
  const checked: unknown[] = []
  let late = false
  try {
    for (const event of events) {
      const value = validate(schema, event, streamId)
      late ||= value instanceof Promise
      checked.push(value)
    }
  } catch (error) {
    for (const value of checked) if (value instanceof Promise) silence(value)
    throw error
  }
  return late ? Promise.all(checked) : checked
}

/** `iterator` with every event checked; the source itself is untouched by an event that fails. */
export function validated<In>(iterator: AsyncIterator<In>, schema: StandardSchemaV1, streamId: () => string): AsyncIterator<In> {
  const check = (result: IteratorResult<In>): IteratorResult<In> | Promise<IteratorResult<In>> => {
    if (isEnd(result)) return result
    const value = validate(schema, result.value, streamId())
    if (value instanceof Promise) return value.then((late) => ({ value: late as In, done: false }))
    return { value: value as In, done: false }
  }
  const wrapped: AsyncIterator<In> = {
    next: async () => check(await iterator.next()),
    // Looked for when it is called: reading it may throw.
    return: async (value) => (iterator.return == null ? { value, done: true } : iterator.return(value)),
  }
  return wrapped
}
