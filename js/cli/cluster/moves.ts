// `velo cluster drain` and `velo cluster move`: each asks, and waits until it is seen to be done.

import { setTimeout as after } from 'node:timers/promises'
import type { ClusterAdmin } from '../../redis/index.js'
import { Exit, UsageError } from '../failure.js'
import { json, plain } from '../journal/shown.js'
import { say, writtenAll } from '../terminal.js'
import { looked, sessionOf, type Where } from './looking.js'

/** ms between two looks, and between two times that it is asked: an order may be lost with a connection. */
const LOOKS = 50
const ASKS = 2000

/** A worker hands over what it hosts, and takes no more. Exit code 1 where it still has sessions after `timeout` ms. */
export async function drain(where: Where, worker: string, timeout: number, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    const before = await had(admin, worker)
    if (before === undefined) throw new UsageError(`there is no worker ${plain(worker)}; \`velo cluster ls\` lists them`)
    const left = await until(
      timeout,
      () => admin.drain(worker),
      async () => ((await had(admin, worker)) ?? 0) === 0,
    )
    const rest = left ? 0 : ((await had(admin, worker)) ?? 0)
    return told(left, asJson, { worker, sessions: before, left: rest }, `${plain(worker)} had ${before} sessions, and has ${rest}`)
  })
}

/** A session goes on at another worker: at `to`, or at the one that has the fewest. Exit code 1 where it has not moved after `timeout` ms. */
export async function move(
  where: Where,
  id: string,
  name: string | undefined,
  to: string | undefined,
  timeout: number,
  asJson: boolean,
): Promise<number> {
  return looked(where, async (admin) => {
    const session = await sessionOf(admin, id, name)
    const target = to ?? (await idlest(admin, session.worker))
    const workers = await admin.workers()
    if (!workers.some((one) => one.id === target))
      throw new UsageError(`there is no worker ${plain(target)}; \`velo cluster ls\` lists them`)
    const there = async () => (await admin.session(session.function, id))?.worker === target
    const moved = await until(timeout, () => admin.move(session.function, id, target), there)
    const facts = { function: session.function, id, from: session.worker ?? null, to: target, moved }
    return told(moved, asJson, facts, `${plain(id)} ${moved ? 'is' : 'is not yet'} at ${plain(target)}`)
  })
}

/** `undefined`: there is no such worker. */
async function had(admin: ClusterAdmin, worker: string): Promise<number | undefined> {
  return (await admin.workers()).find(({ id }) => id === worker)?.sessions
}

async function idlest(admin: ClusterAdmin, but: string | undefined): Promise<string> {
  const others = (await admin.workers()).filter(({ id, alive, drained }) => alive && !drained && id !== but)
  const [best] = others.sort((a, b) => a.sessions - b.sessions)
  if (best === undefined) throw new UsageError('there is no other worker that takes sessions')
  return best.id
}

/** Whether it is done within `ms`. */
async function until(ms: number, ask: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<boolean> {
  const late = performance.now() + ms
  for (let asked = Number.NEGATIVE_INFINITY; ; await after(LOOKS)) {
    if (await isDone()) return true
    if (performance.now() > late) return false
    if (performance.now() - asked < ASKS) continue
    await ask()
    asked = performance.now()
  }
}

async function told(isDone: boolean, asJson: boolean, facts: object, words: string): Promise<number> {
  if (asJson) await writtenAll([`${json({ ok: isDone, ...facts })}\n`])
  else say(words, isDone ? 'dim' : 'yellow')
  return isDone ? Exit.ok : Exit.failed
}
