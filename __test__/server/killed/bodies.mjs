// What a service does that is killed while its clients are at work, and what that makes of events. It imports nothing: modules of folders that are served have it from here.

/** From none to three results an event, what it asks of the world among them. */
export async function* tell(events, ctx) {
  let total = 0
  for await (const event of events) {
    total += event
    const asked = event % 5 === 0 ? await ctx.run('ask', () => total) : null
    for (let n = 0; n < event % 4; n++) yield [event, n, total, asked]
  }
  yield ['end', total]
}

/** The same, with state instead of history. */
export async function* count(events, ctx) {
  for await (const event of events) {
    ctx.state.total += event
    yield [event, 0, ctx.state.total, null]
  }
  yield ['end', ctx.state.total]
}

/** Many results of few events, which are kept together before the first result. */
export async function* many(events) {
  for await (const event of events) for (let n = 0; n < event; n++) yield [event, n]
  yield { end: true }
}

export const options = {
  tell: { buffer: 16 },
  count: { state: { initial: () => ({ total: 0 }), version: 1, every: 16 } },
  many: {},
}

export const expected = {
  tell: (events) => {
    let total = 0
    const results = events.flatMap((event) => {
      total += event
      return Array.from({ length: event % 4 }, (_, n) => [event, n, total, event % 5 === 0 ? total : null])
    })
    return [...results, ['end', total]]
  },
  count: (events) => {
    let total = 0
    const results = events.map((event) => [event, 0, (total += event), null])
    return [...results, ['end', total]]
  },
  many: (events) => [...events.flatMap((event) => Array.from({ length: event }, (_, n) => [event, n])), { end: true }],
}
