// Requests that ask for the rest of a stream: one that this process knows, or a durable one that another process had.

import { OverloadedError } from '../../index.js'
import { standingOf } from '../../kit/bytes/standing.js'
import { isClientId } from '../../kit/keeping/client-ids.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import type { FailureReport } from '../../kit/sight/failure-report.js'
import type { Asked } from '../in/request.js'
import type { Service } from '../options.js'
import { encoderFor, LIVE } from '../out/encoder.js'
import type { ResponseSink } from '../out/sink.js'
import { SseEncoder } from '../out/sse-out.js'
import { type AnyFunction, type Opened, opened, supplyOf } from '../stream/opening.js'
import { Run } from '../stream/run.js'
import { type Session, sessionOf } from '../stream/sessions.js'
import { gone, ResumableSession } from './resumption.js'

/** Streams that are being read from their journals: two connections of a client meet in one of them. */
const reopening = new Map<string, Promise<Session | undefined>>()

/** Whether the request asks for the rest of a stream; then it has been answered when this resolves. Rejects with what a journal says. */
export async function resume<Req>(
  fn: AnyFunction,
  service: Service,
  asked: Asked,
  req: Req,
  sink: ResponseSink,
  owner: string | undefined,
  failures: FailureReport<Req>,
): Promise<boolean> {
  const [, id, seen] = /^(.+):(\d{1,15})$/.exec(String(asked.headers['last-event-id'] ?? '')) ?? []
  if (id === undefined || !(encoderFor(service.answer, asked.headers) instanceof SseEncoder)) return false
  const known = sessionOf(id, fn)
  let session = known?.owner === owner ? known : undefined
  if (session === undefined && keepingOf(fn) !== undefined && isClientId(id, owner)) {
    let reopened = reopening.get(id)
    if (reopened === undefined) {
      reopened = reopen(fn, service, asked, req, id, Number(seen), owner, failures).finally(() => reopening.delete(id))
      reopening.set(id, reopened)
    }
    session = await reopened
    if (session?.fn !== fn) session = undefined
  }
  if (session?.attach !== undefined) await session.attach(sink, Number(seen))
  else await gone(sink, 'the stream is over, or no longer kept')
  return true
}

/** A durable stream that is kept and not open here; `undefined` where there is none. */
async function reopen<Req>(
  fn: AnyFunction,
  service: Service,
  asked: Asked,
  req: Req,
  id: string,
  seen: number,
  owner: string | undefined,
  failures: FailureReport<Req>,
): Promise<Session | undefined> {
  const encoder = new SseEncoder(service.answer, LIVE)
  const { stream, budget } = open(() => opened(fn, service, asked, req, (result) => encoder.body(result), { owner, confirms: true, id }))
  failures.stream = stream
  try {
    const { isNew, isEnded, events, results } = await standingOf(stream, budget)
    if (isNew) {
      stream.abort()
      budget.release()
      return undefined
    }
    // A body has ended with its connection; a source of the user's goes on behind what is kept.
    const supply = isEnded || service.events === undefined ? undefined : supplyOf(service, asked, req, events)
    const session = new ResumableSession(fn, service, new Run(service, stream, supply, budget), failures.report, owner)
    session.begin(results, seen)
    return session
  } catch (error) {
    stream.abort(error)
    budget.release()
    throw error
  }
}

/** A stream of this id that is still being closed has no place yet. */
function open(make: () => Opened): Opened {
  try {
    return make()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'VELO_CONFIG') throw error
    throw new OverloadedError('VELO_OVERLOADED', 'the stream is still being closed', { cause: error })
  }
}
