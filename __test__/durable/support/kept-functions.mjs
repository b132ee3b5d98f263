// The functions whose streams are in `fixtures/`: a journal of any earlier version is read with them, so what they make of an event stays as it is.

/** A running sum, with an answer of the world at each second event and what else a journal brings back. */
export async function* counted(events, ctx) {
  let [total, seen] = [0, 0]
  for await (const { amount, when } of events) {
    total += amount
    const asked = ++seen % 2 === 0 ? await ctx.run('ask', () => new Map([['total', BigInt(total)]])) : undefined
    yield { total, asked, when, at: ctx.now(), dice: ctx.random() }
  }
  return total
}

/** The same sum in `ctx.state`; two results an event. */
export async function* saved(events, ctx) {
  for await (const { amount } of events) {
    ctx.state.total += amount
    ctx.state.last = new Date(ctx.state.total)
    yield* [ctx.state.total, { negative: -ctx.state.total, dice: ctx.random() }]
  }
}

export const STATE = { initial: { total: 0, last: undefined }, version: 4, every: 2 }
