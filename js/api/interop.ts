// A live stream as a Node Duplex and as a pair of Web streams. Backpressure goes through both ways; results are pulled, never pushed ahead.

import { Duplex } from 'node:stream'
import { ReadableStream, WritableStream } from 'node:stream/web'
import { ClosedError } from '../kit/errors.js'
import type { EndReason } from '../kit/types.js'
import type { Stream } from './stream.js'

export function duplexOf<In, Out>(stream: Stream<In, Out>): Duplex {
  const results = stream[Symbol.asyncIterator]()
  const duplex = new Duplex({
    objectMode: true,
    read() {
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
      done()
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

function closedError(streamId: string, reason: EndReason): ClosedError {
  return new ClosedError('VELO_CLOSED', `stream ${streamId} is closed (${reason})`, { streamId, reason })
}

export function webOf<In, Out>(stream: Stream<In, Out>): { readable: ReadableStream<Out>; writable: WritableStream<In> } {
  const results = stream[Symbol.asyncIterator]()
  const readable = new ReadableStream<Out>(
    {
      async pull(controller) {
        const { value, done } = await results.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => stream.close(),
    },
    { highWaterMark: 0 },
  )
  const writable = new WritableStream<In>(
    {
      // A writer that is idle hears of the end too; after its own close() this does nothing.
      start: (controller) => void stream.closed.then((end) => controller.error(end.error ?? closedError(stream.id, end.reason))),
      write: (event) => stream.send(event),
      close: () => stream.end(),
      abort: (reason) => stream.abort(reason),
    },
    { highWaterMark: 1 },
  )
  return { readable, writable }
}
