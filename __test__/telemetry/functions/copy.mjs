// Gives each event back.

export default async function* copy(events) {
  for await (const event of events) yield event
}
