// Ends its thread at the first event.

export default async function* leaves(events) {
  for await (const _ of events) process.exit()
  yield
}
