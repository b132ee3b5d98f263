// Stream functions whose steps run side by side. Each step notes itself, and the process can be killed at a chosen point (kill -9): when a step begins, or when its function has its outcome.

import { appendFileSync } from 'node:fs'

const { VELO_STEPS_KILL, VELO_STEPS_NOTES } = process.env
let points = 0

function point() {
  if (++points === Number(VELO_STEPS_KILL)) process.kill(process.pid, 'SIGKILL')
}

const turns = async (count) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

/** A step that lasts `count` turns of the event loop. Its outcome says whose it is, and differs each time it is executed. */
async function step(ctx, name, owner, count) {
  const value = await ctx.run(name, async () => {
    point()
    if (VELO_STEPS_NOTES) appendFileSync(VELO_STEPS_NOTES, `${owner}.${name}\n`)
    await turns(count)
    return `${owner}.${name}.${Math.random().toString(36).slice(2)}`
  })
  point()
  return value
}

/** Three steps for each item of an event, the items side by side; the last item is the fastest. */
export async function* chains(events, ctx) {
  for await (const items of events) {
    yield await Promise.all(
      items.map(async (item, at) => {
        const price = await step(ctx, 'price', item, 3 * (items.length - at))
        if (at === 1) for (let hop = 0; hop < 5; hop++) await null
        const charge = await step(ctx, 'charge', item, at)
        return [item, price, charge, await step(ctx, 'ship', item, 1)]
      }),
    )
  }
}

/** Chains that are not awaited before the next event is asked for. */
export async function* apart(events, ctx) {
  const running = []
  for await (const [item] of events) {
    running.push(
      (async () => {
        for (let hop = 0; hop < item.charCodeAt(0) % 4; hop++) await null
        const price = await step(ctx, 'price', item, 4)
        return [item, price, await step(ctx, 'charge', item, 2), await step(ctx, 'ship', item, 1)]
      })(),
    )
  }
  yield await Promise.all(running)
}

/** Which of the items is first, and what follows from that. */
export async function* race(events, ctx) {
  for await (const items of events) {
    const all = items.map((item, at) => step(ctx, `quote ${item}`, item, 3 * (items.length - at)))
    const any = await Promise.any(all)
    const first = await Promise.race(all)
    const [winner] = first.split('.')
    const order = await step(ctx, 'order', winner, 1)
    await Promise.all(all)
    yield [[winner, any, first, order]]
  }
}

/** Results in the order in which they arrive. */
export async function* arrivals(events, ctx) {
  for await (const items of events) {
    const ready = []
    let wake = () => {}
    for (const [at, item] of items.entries()) {
      step(ctx, `fetch ${item}`, item, 3 * (items.length - at)).then((value) => {
        ready.push([item, value])
        wake()
      })
    }
    for (let left = items.length; left > 0; left--) {
      if (ready.length === 0) await new Promise((resolve) => void (wake = resolve))
      const [item, value] = ready.shift()
      yield [[item, value, await step(ctx, 'handle', item, 1)]]
    }
  }
}

/** Events against steps: whichever comes first decides what is asked next. */
export async function* contest(events, ctx) {
  let next = events.next()
  let running = []
  const order = []
  for (;;) {
    const winner = await Promise.race([next.then((result) => ({ result })), ...running])
    if (winner.result === undefined) {
      running = running.filter((one) => one !== winner.self())
      order.push(winner.value)
      order.push(await step(ctx, 'after', winner.value.split('.')[0], 1))
    } else {
      if (winner.result.done) break
      const [item] = winner.result.value
      order.push(item)
      order.push(await step(ctx, 'before', item, 1))
      const self = step(ctx, 'work', item, 6).then((value) => ({ value, self: () => self }))
      running.push(self)
      next = events.next()
    }
  }
  await Promise.all(running)
  yield order
}

/** Steps, and chains of steps, that nobody awaits while the function rests at its `yield`. They last `count` turns; the step of a list without items fails. */
export async function* floating(events, ctx) {
  const steps = []
  for await (const [count, item] of events) {
    steps.push(
      ctx.run('step', async () => {
        await turns(count)
        if (item === undefined) throw new RangeError('failed')
        return item
      }),
    )
    steps.push(
      (async () => {
        await ctx.run('first', () => turns(count))
        return ctx.run('second', () => item)
      })(),
    )
    yield count
  }
  await Promise.all(steps)
}

/** A step that calls a helper with a step of its own: while it runs, and after it has settled. */
export async function* nesting(events, ctx) {
  for await (const event of events) {
    const helper = () => ctx.run('helper', () => event)
    const nested = await ctx
      .run('outer', async () => {
        await turns(1)
        return helper()
      })
      .catch((error) => `${error.code} ${error.message}`)
    yield [nested, await helper()]
  }
}

/** A step in flight while another one of its name is called by work outside of `ctx.run`. */
export async function* unordered(events, ctx) {
  for await (const keys of events) {
    const late = async (key) => {
      await turns(1)
      return ctx.run('late', () => turns(8).then(() => key ?? 'late'), key && { key })
    }
    const ended = await Promise.allSettled([...keys.map(late), ctx.run('other', () => 'other')])
    yield ended.map(({ value, reason }) => value ?? `${reason.code} ${reason.message}`)
  }
}
