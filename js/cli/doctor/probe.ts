// A stream function for `velo doctor` to run on a thread of its own.

/** Passes everything on. */
export async function* probe(events: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  yield* events
}
