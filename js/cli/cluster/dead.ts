// `velo cluster dead`, `replay` and `reset`: sessions that killed their processes.

import type { ClusterAdmin, DeadSession } from '../../redis/index.js'
import { Exit, UsageError } from '../failure.js'
import { json, plain, size } from '../journal/shown.js'
import { writtenAll } from '../terminal.js'
import { looked, sessionOf, type Where } from './looking.js'
import { sessionJson } from './ls.js'
import { answered } from './pauses.js'
import { sessionText } from './show.js'

/** A session as it was when it was given up, and the event that it executed. */
export async function dead(where: Where, id: string, name: string | undefined, asJson: boolean): Promise<number> {
  const one = await looked(where, async (admin) => retained(admin, await functionOf(admin, id, name), id))
  const { culprit, ...session } = one
  await writtenAll([
    asJson ? `${json({ ...sessionJson(session), culprit: culprit ?? null })}\n` : `${sessionText(session)}${culpritText(culprit)}`,
  ])
  return Exit.ok
}

/** It goes on as it was. */
export async function replay(where: Where, id: string, name: string | undefined, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    const of = await functionOf(admin, id, name)
    await admin.replay(of, id)
    return answered(asJson, { function: of, id }, `${plain(id)} of ${plain(of)} goes on as it was`)
  })
}

/** Nothing counts against a session any more. */
export async function reset(where: Where, id: string, name: string | undefined, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    const { function: of } = await sessionOf(admin, id, name)
    const had = await admin.resetTakeovers(of, id)
    return answered(
      asJson,
      { function: of, id, had },
      `${plain(id)} of ${plain(of)}: ${had ? 'nothing counts against it any more' : 'nothing counted against it'}`,
    )
  })
}

/** By the list of the dead, where the command does not say it. */
async function functionOf(admin: ClusterAdmin, id: string, name: string | undefined): Promise<string> {
  if (name !== undefined) return name
  const names = [...new Set((await admin.deadLetters(10_000)).filter((one) => one.id === id).map((one) => one.function))]
  const [first] = names
  if (first === undefined) throw new UsageError(`no session ${plain(id)} was given up`)
  if (names.length > 1)
    throw new UsageError(
      `${names.length} sessions called ${plain(id)} were given up: say with --function which (${names.map(plain).join(', ')})`,
    )
  return first
}

async function retained(admin: ClusterAdmin, name: string, id: string): Promise<DeadSession> {
  const one = await admin.deadLetter(name, id)
  if (one === undefined) throw new UsageError(`nothing of session ${plain(id)} of ${plain(name)} is retained`)
  return one
}

function culpritText(culprit: DeadSession['culprit']): string {
  if (culprit === undefined) return ''
  const { index, bytes, value } = culprit
  return `  ${'executing'.padEnd(10)} event ${index}, ${size(bytes)}${value === undefined ? '' : `: ${plain(json(value)).slice(0, 500)}`}\n`
}
