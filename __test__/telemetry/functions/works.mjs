// A function that stands in its own code at each event until it is let on, on either placement: `{ fn, gate }`.

export function working(place, options) {
  const gate = place.gate()
  const fn = place(
    async function* works(events) {
      for await (const event of events) {
        await gate.promise
        yield event
      }
    },
    options,
    { gate },
  )
  return { fn, gate }
}
