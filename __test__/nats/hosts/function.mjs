// The function of sessions under test: what it gives shows every event that was taken, once and in order.

import { streamFn } from 'velo-stream'

/** Keys whose events have blocked this process: each does so once. */
const blocked = new Set()

/** Events are `{ n }`, counted by key; others say what is to happen. */
export const chain = streamFn(
  async function* chain(events, ctx) {
    for await (const { n, what, ms } of events) {
      if (what === 'throw') throw new Error(`event ${n} cannot be done`)
      if (what === 'block' && !blocked.has(ctx.id)) {
        blocked.add(ctx.id)
        for (const until = performance.now() + ms; performance.now() < until; );
      }
      if (ms !== undefined && what !== 'block') await new Promise((resolve) => setTimeout(resolve, ms))
      if (what === 'exit' && process.send !== undefined) process.kill(process.pid, 'SIGKILL')
      if (what === 'formless') yield 1n
      if (n !== ctx.state.next) yield { key: ctx.id, wrong: `${n} came where ${ctx.state.next} is the next` }
      ctx.state.next = n + 1
      ctx.state.sum += n
      yield { key: ctx.id, n, sum: ctx.state.sum }
      if (what === 'return') return
    }
  },
  { state: { initial: () => ({ next: 0, sum: 0 }), version: 1 } },
)
