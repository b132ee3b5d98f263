// Stream functions that bring their process into trouble, for the tests of faults.

import { streamFn } from 'velo-stream'
import * as steps from '../../durable/support/step-functions.mjs'

/** `'die'` kills the process, a number keeps its thread busy for so many ms. */
export const trouble = streamFn(
  async function* (events, ctx) {
    let count = 0
    for await (const event of events) {
      if (event === 'die') process.kill(process.pid, 'SIGKILL')
      if (typeof event === 'number') for (const until = performance.now() + event; performance.now() < until; );
      // Whoever made it, whoever makes it again.
      yield `${++count}:${event}:${await ctx.run('host', () => process.pid)}`
    }
  },
  { name: 'trouble' },
)

/** Of the version that the environment says. */
export const versioned = streamFn(
  async function* (events, ctx) {
    for await (const event of events) {
      ctx.state.total += event
      yield `v${process.env.STATE_VERSION ?? 1}:${ctx.state.total}`
    }
  },
  {
    name: 'versioned',
    state: {
      initial: { total: 0 },
      version: Number(process.env.STATE_VERSION ?? 1),
      every: 1,
      migrate: (old, from) => {
        if (from > Number(process.env.STATE_VERSION ?? 1)) throw new Error('of a later version')
        return { total: old.total * 1000 }
      },
    },
  },
)

/** Keeps a state as large as the event says, and gives a result of that size. */
export const large = streamFn(
  async function* (events, ctx) {
    for await (const event of events) {
      ctx.state.text = event
      yield event
      yield ctx.state.text.length
    }
  },
  { name: 'large', state: { initial: { text: '' }, version: 1, every: 1 } },
)

/** Steps side by side, killed at the point that the environment says. */
const chains = streamFn(steps.chains, { name: 'chains' })
const race = streamFn(steps.race, { name: 'race' })

/** Adds up; an event may take its time, and kill the process behind it. */
const add = async ({ value, ms, dies }) => {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
  if (dies && process.env.SURVIVES === undefined) process.kill(process.pid, 'SIGKILL')
  return value
}

/** Goes on from its state. */
export const sums = streamFn(
  async function* (events, ctx) {
    for await (const event of events) yield (ctx.state.sum += await add(event))
  },
  { name: 'sums', state: { initial: { sum: 0 }, version: 1, every: 1 } },
)

/** Comes back by replay. */
export const replayed = streamFn(
  async function* (events) {
    let sum = 0
    for await (const event of events) yield (sum += await add(event))
  },
  { name: 'replayed' },
)

/** Of a deploy that the environment names: one throws on what others had taken, one gives other results. */
export const deployed = streamFn(
  async function* (events) {
    let sum = 0
    for await (const event of events) {
      if (process.env.DEPLOY === 'throws' && event < 3) throw new RangeError('a mistake')
      if (event === 'bad') throw new RangeError('bad')
      sum += event
      yield process.env.DEPLOY === 'differs' ? -sum : sum
    }
  },
  { name: 'deployed' },
)

export const functions = { trouble, versioned, large, chains, race, sums, replayed, deployed }
