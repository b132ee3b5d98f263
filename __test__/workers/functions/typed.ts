// A module that Node.js must strip the types of.

export default async function* total(events: AsyncIterable<number>): AsyncGenerator<number> {
  let sum: number = 0
  for await (const event of events) yield (sum += event)
}
