// `velo cluster ls`: the workers of a cluster, its sessions, and those that were given up.

import type { ClusterSession, ClusterWorker, DeadLetter } from '../../redis/index.js'
import { Exit } from '../failure.js'
import { date, json, plain } from '../journal/shown.js'
import { type Column, table } from '../journal/table.js'
import { writtenAll } from '../terminal.js'
import { looked, type Where } from './looking.js'

const WORKERS: readonly Column[] = [
  { name: 'WORKER' },
  { name: 'SESSIONS', isNumber: true },
  { name: 'LEASE', isNumber: true },
  { name: 'SEEN', isNumber: true },
  { name: 'STATE' },
]
const SESSIONS: readonly Column[] = [
  { name: 'ID' },
  { name: 'FUNCTION' },
  { name: 'WORKER' },
  { name: 'EVENTS', isNumber: true },
  { name: 'WAITING', isNumber: true },
  { name: 'RESULTS', isNumber: true },
  { name: 'UNREAD', isNumber: true },
  { name: 'TAKEOVERS', isNumber: true },
]
const DEAD: readonly Column[] = [{ name: 'GIVEN UP' }, { name: 'FUNCTION' }, { name: 'TAKEOVERS', isNumber: true }, { name: 'AT' }]

/** Tables, or a line of JSON each; `name`: sessions of this function only. */
export async function ls(where: Where, name: string | undefined, asJson: boolean): Promise<number> {
  const { workers, sessions, dead } = await looked(where, async (admin) => {
    const all: ClusterSession[] = []
    for await (const one of admin.sessions()) if (name === undefined || one.function === name) all.push(one)
    return { workers: await admin.workers(), sessions: all, dead: await admin.deadLetters() }
  })
  const letters = dead.filter((one) => name === undefined || one.function === name)
  if (asJson) {
    const kinds = [of('worker', workers), of('session', sessions.map(sessionJson)), of('deadLetter', letters.map(letterJson))]
    await writtenAll(kinds.flat().map((line) => `${json(line)}\n`))
    return Exit.ok
  }
  const parts = [
    workers.length === 0 ? 'no workers\n' : shown(WORKERS, workers.map(workerRow)),
    sessions.length === 0 ? 'no sessions\n' : shown(SESSIONS, sessions.map(sessionRow)),
    ...(letters.length === 0 ? [] : [shown(DEAD, letters.map(letterRow))]),
  ]
  await writtenAll([parts.join('\n')])
  return Exit.ok
}

function of(kind: string, all: readonly object[]): object[] {
  return all.map((one) => ({ kind, ...one }))
}

/** A session as `--json` writes it. */
export function sessionJson({ at, worker, end, ...session }: ClusterSession): Record<string, unknown> {
  return { ...session, opened: date(at), worker: worker ?? null, ...(end !== undefined && { end: endJson(end) }) }
}

function endJson({ reason, error }: NonNullable<ClusterSession['end']>): Record<string, unknown> {
  return { reason, ...(error !== undefined && { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }) }
}

function letterJson({ at, ...letter }: DeadLetter): Record<string, unknown> {
  return { ...letter, at: date(at) }
}

function shown(columns: readonly Column[], rows: readonly string[][]): string {
  return table(columns, rows, process.stdout.isTTY ? process.stdout.columns : undefined)
}

function workerRow({ id, sessions, lease, age, alive, drained }: ClusterWorker): string[] {
  return [plain(id), String(sessions), `${lease} ms`, `${age} ms ago`, alive ? (drained ? 'drained' : 'works') : 'dead']
}

function sessionRow({ id, function: name, worker, events, waiting, results, unread, takeovers }: ClusterSession): string[] {
  return [plain(id), plain(name), plain(worker ?? 'none'), ...[events, waiting, results, unread, takeovers].map(String)]
}

function letterRow({ id, function: name, takeovers, at }: DeadLetter): string[] {
  return [plain(id), plain(name), String(takeovers), date(at)]
}
