// What both kinds of worker run.

export default async function* totals(events) {
  let total = 0
  for await (const { add } of events) yield { total: (total += add) }
}
