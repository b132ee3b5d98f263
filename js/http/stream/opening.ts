// What a request becomes before there is a response: its events, its stream, and the bytes of both.

import { randomUUID } from 'node:crypto'
import type { OpenOptions, Source, Stream, StreamFunction } from '../../index.js'
import { ByteBudget, type Written } from '../../kit/bytes/byte-budget.js'
import { pulled } from '../../kit/iteration/pulled.js'
import { clientId } from '../../kit/keeping/client-ids.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import { parsedEvents, readerOf } from '../in/intake.js'
import type { Asked } from '../in/request.js'
import type { Service } from '../options.js'
import type { Supply } from './run.js'

export type AnyFunction = StreamFunction<never, unknown>

/** A stream and the bytes that wait for it and for its client. */
export interface Opened {
  readonly stream: Stream<never, unknown>
  readonly budget: ByteBudget
}

/** Opens a stream for a request. Throws what `open` throws. `id`: that of one which is kept, else who comes back shows the one that is made, so nobody else may guess it. */
export function opened<Req>(
  fn: AnyFunction,
  service: Service,
  asked: Asked,
  req: Req,
  write: (result: unknown) => Written,
  { owner, confirms, id }: { readonly owner: string | undefined; readonly confirms: boolean; readonly id?: string },
): Opened {
  const budget = new ByteBudget(service.maxBufferedBytes, write)
  budget.confirms = confirms
  try {
    const { openOptions } = service
    const own = typeof openOptions === 'function' ? (openOptions as (req: Req) => OpenOptions)(req) : openOptions
    const made = keepingOf(fn) !== undefined ? clientId(owner) : service.replay > 0 ? randomUUID() : undefined
    const stream = fn.open(pulled({ id: made, headers: asked.headers, ...own, ...(id !== undefined && { id }) }, budget))
    return { stream, budget }
  } catch (error) {
    budget.release()
    throw error
  }
}

/** The events of a request. `from`: the first one that is wanted of a source that the user makes. */
export function supplyOf<Req>(service: Service, asked: Asked, req: Req, from: number): Supply {
  if (service.events !== undefined) return { source: (service.events as (req: Req, from: number) => Source<never>)(req, from) }
  if (asked.parsed !== undefined) return { source: parsedEvents(asked.parsed.value, asked, service.intake) as never[] }
  const reader = readerOf(asked, service.intake)
  return reader === null ? undefined : { reader }
}
