// A module that takes its time to load.

const factor = await new Promise((resolve) => setImmediate(resolve, 3))

export default async function* times(events) {
  for await (const event of events) yield event * factor
}
