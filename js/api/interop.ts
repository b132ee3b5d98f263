// A live stream as a Node Duplex and as a pair of Web streams. Backpressure goes through both ways; results are pulled, never pushed ahead.

import type { Duplex } from 'node:stream'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import { AbortError, ClosedError } from '../kit/errors.js'
import { builtin } from '../kit/start/builtin.js'
import type { EndReason, StreamEnd } from '../kit/types.js'
import type { Stream } from './stream.js'

/** `ended` waits for the end of the stream, and keeps the process alive where its function runs on another thread. */
export function duplexOf<In, Out>(stream: Stream<In, Out>, ended: () => Promise<StreamEnd>): Duplex {
  const results = stream[Symbol.asyncIterator]()
  let isRead = false
  const { Duplex } = builtin('node:stream')
  const duplex = new Duplex({
    objectMode: true,
    read() {
      isRead = true
      const put = ({ value, done }: IteratorResult<Out, undefined>): void => {
        if (done === true) this.push(null)
        else if (value === null || value === undefined)
          this.destroy(new TypeError(`a Node stream cannot carry ${value}, which the function yielded`))
        else this.push(value)
      }
      // What a listener of 'data' throws ends it too: nobody else would hear of that.
      results
        .next()
        .then(put)
        .catch((error) => void this.destroy(error))
    },
    write(event: In, _encoding, done) {
      stream.send(event).then(
        () => done(),
        (refusal) => void failureOf(stream, refusal).then(done),
      )
    },
    final(done) {
      stream.end()
      // As with the `flush` of a Transform: a pipeline takes who has finished for done, and no longer hears what the function throws then.
      void ended().then((end) => {
        if (!isBroken(end)) done()
        // A reader gets the results before it first, and then this error.
        else if (!isRead) done(end.error as Error)
      })
    },
    destroy(error, done) {
      if (error) stream.abort(error)
      stream.close().then(
        () => done(error),
        (failure) => done(error ?? failure),
      )
    },
  })
  return duplex
}

/**
 * Why a write fails: not that the stream is closed, but what closed it. `undefined` where the function has returned: as with a Transform that has ended,
 * what is written then is thrown away.
 */
async function failureOf(stream: Stream<never, unknown>, refusal: unknown): Promise<Error | undefined> {
  if (!(refusal instanceof ClosedError)) return refusal as Error
  const { reason, error } = await stream.closed
  if (reason === 'done') return undefined
  return (error as Error | undefined) ?? refusal
}

function isBroken({ reason }: StreamEnd): boolean {
  return reason === 'failed' || reason === 'aborted'
}

function closedError(streamId: string, reason: EndReason): ClosedError {
  return new ClosedError('VELO_CLOSED', `stream ${streamId} is closed (${reason})`, { streamId, reason })
}

export function webOf<In, Out>(
  stream: Stream<In, Out>,
  ended: () => Promise<StreamEnd>,
): { readable: ReadableStream<Out>; writable: WritableStream<In> } {
  const results = stream[Symbol.asyncIterator]()
  let broken: { reason: unknown } | undefined
  const { ReadableStream, WritableStream } = builtin('node:stream/web')
  const readable = new ReadableStream<Out>(
    {
      async pull(controller) {
        try {
          const { value, done } = await results.next()
          if (done === true) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          // As through a TransformStream: who reads hears what broke the pipe, not that this stream was aborted for it.
          throw broken !== undefined && error instanceof AbortError ? broken.reason : error
        }
      },
      cancel: () => stream.close(),
    },
    { highWaterMark: 0 },
  )
  const writable = new WritableStream<In>(
    {
      // A writer that is idle hears of the end too; after its own close() this does nothing.
      start: (controller) => void stream.closed.then((end) => controller.error(end.error ?? closedError(stream.id, end.reason))),
      write: (event) => stream.send(event).catch(async (refusal) => Promise.reject((await failureOf(stream, refusal)) ?? refusal)),
      // As with the `flush` of a TransformStream: whoever pipes into it hears what the function throws at its end, even where nobody reads.
      async close() {
        stream.end()
        const end = await ended()
        if (isBroken(end)) throw end.error
      },
      abort: (reason) => {
        broken = { reason }
        stream.abort(reason)
      },
    },
    { highWaterMark: 1 },
  )
  return { readable, writable }
}
