// What `velo doctor` says of the journal in a folder. Every finding is a fact with a level; nothing here prints.

import { existsSync, lstatSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './findings.js'

const MIB = 1024 * 1024
/** Free space below which writes are about to fail: the store grows by parts of its size. */
const LITTLE = 64 * MIB
const SOME = 512 * MIB

/** A file or folder that others may read or write. */
export interface Open {
  readonly name: string
  /** As `chmod` takes it. */
  readonly mode: string
  readonly least: string
}

/** Everything of one folder, in the order in which it is printed. */
export async function journalFindings(folder: string): Promise<Finding[]> {
  if (!existsSync(folder)) return [{ name: 'journal', level: 'fail', says: `${folder}: no such folder` }]
  try {
    return [...(await store(folder)), permissions(folder, openTo(folder)), disk(freeBytes(folder))]
  } catch (error) {
    return [{ name: 'journal', level: 'fail', says: `${folder}: ${(error as Error).message}` }]
  }
}

/** What is in it, whether all of it can be read, and whose it is. */
async function store(folder: string): Promise<Finding[]> {
  const owner = ownerOf(folder)
  const { Inspector } = await import('../../durable/index.js')
  const inspector = new Inspector(folder)
  try {
    const damage = await inspector.verify()
    const lines = await inspector.list()
    const ended = lines.filter(({ over }) => over !== undefined).length
    const streams = `${lines.length} ${lines.length === 1 ? 'stream' : 'streams'}`
    return [
      { name: 'journal', level: 'ok', says: `format ${inspector.format}, ${streams}, of which ${ended} have ended` },
      { name: 'owner', level: 'ok', says: owner === undefined ? 'none' : `none; process ${owner} was the last one` },
      records(damage),
    ]
  } catch (error) {
    return refused(error as Error)
  } finally {
    await inspector.close().catch(() => undefined)
  }
}

/** What stands in the way of looking. */
function refused({ message }: Error): Finding[] {
  const [, pid] = /in use by (?:process (\d+)|another process)/.exec(message) ?? []
  if (/in use by /.test(message)) {
    const says = pid === undefined ? 'another process has the folder' : `process ${pid} has the folder, and is alive`
    return [{ name: 'owner', level: 'ok', says, hint: 'Its records can be checked when it has ended.' }]
  }
  return [{ name: 'journal', level: 'fail', says: message, hint: 'Nothing of it is changed or lost by that.' }]
}

function records(damage: readonly string[]): Finding {
  if (damage.length === 0) return { name: 'records', level: 'ok', says: 'all can be read' }
  const hint = '`velo journal verify` names them; `velo journal prune --id` removes a stream that cannot be read.'
  return { name: 'records', level: 'fail', says: `${damage.length} damaged, the first: ${damage[0]}`, hint }
}

/** The process that had it last, as its lock says. */
function ownerOf(folder: string): string | undefined {
  try {
    return /^\d+$/.exec(readFileSync(join(folder, 'lock'), 'utf8').trim())?.[0]
  } catch {
    return undefined
  }
}

/** What of the folder others than its user may use. */
function openTo(folder: string): Open[] {
  // There these bits say nothing.
  if (process.platform === 'win32') return []
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  const all = [{ path: folder, least: '700' }, ...names.map(({ name }) => ({ path: join(folder, name), least: '600' }))]
  return all.flatMap(({ path, least }) => {
    const mode = lstatSync(path).mode & 0o777
    return (mode & 0o077) === 0 ? [] : [{ name: path, mode: mode.toString(8), least }]
  })
}

export function permissions(folder: string, open: readonly Open[]): Finding {
  const [first] = open
  if (first === undefined) return { name: 'permissions', level: 'ok', says: 'its user alone may read it' }
  const says = `${first.name} is ${first.mode}: others may use it${open.length > 1 ? `, and ${open.length - 1} more` : ''}`
  return { name: 'permissions', level: 'warn', says, hint: `chmod 700 ${folder} && chmod 600 ${folder}/*` }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

export function disk(free: number): Finding {
  const level = free < LITTLE ? 'fail' : free < SOME ? 'warn' : 'ok'
  const hint = 'Make room: a journal that cannot write refuses events, and keeps what it has.'
  return { name: 'disk', level, says: `${Math.floor(free / MIB)} MiB free`, ...(level === 'ok' ? {} : { hint }) }
}
