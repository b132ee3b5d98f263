// Stages for pipelines over several threads: `pass` passes events on; `holds` works on each event until the test raises `Go`, and `drops` yields nothing for it.
// `ctx.context` is a row of flags.

import { Flag, raise, raised } from './flags.mjs'

export async function* pass(events) {
  for await (const event of events) yield event
}

export async function* holds(events, ctx) {
  for await (const event of events) {
    raise(ctx.context, Flag.Begun)
    await raised(ctx.context, Flag.Go)
    yield event
  }
}

export async function* drops(events, ctx) {
  for await (const _ of holds(events, ctx));
}
