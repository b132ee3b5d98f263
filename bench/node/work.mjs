// The stream functions every contestant runs, and the answers a plain loop gives. Nothing here knows velo-stream.

/** A running average: the smallest function with state. */
export async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
}

/** First stage of the pipeline. */
export async function* increment(events) {
  for await (const event of events) yield event + 1
}

/** Second stage of the pipeline; `average` is the third. */
export async function* double(events) {
  for await (const event of events) yield event * 2
}

export function numbers(n) {
  return Array.from({ length: n }, (_, i) => i)
}

/** What `average` answers. */
export function averages(events) {
  let total = 0
  return events.map((event, i) => (total += event) / (i + 1))
}

/** What the three stages answer together. */
export function pipedAverages(events) {
  return averages(events.map((event) => (event + 1) * 2))
}
