// The same running average in RxJS, over the same asynchronous source. RxJS has no backpressure: it pulls as fast as the source gives.
// Loaded on demand, because it is a development dependency.

/** Both forms, or undefined when RxJS is not installed. */
export async function rxjsPeers() {
  const rx = await import('rxjs').catch(() => undefined)
  if (rx === undefined) return undefined
  const { concatMap, from, lastValueFrom, map, scan, toArray } = rx
  return {
    /** Each step may await, as the body of a stream function may. */
    awaiting(source) {
      let total = 0
      let count = 0
      return lastValueFrom(
        from(source).pipe(
          concatMap(async (event) => (total += event) / ++count),
          toArray(),
        ),
      )
    },
    /** Each step is a plain function; nothing in it can wait. */
    plain(source) {
      const step = ({ total, count }, event) => ({ total: total + event, count: count + 1 })
      return lastValueFrom(
        from(source).pipe(
          scan(step, { total: 0, count: 0 }),
          map(({ total, count }) => total / count),
          toArray(),
        ),
      )
    },
  }
}
