// js/cli/journal: `velo journal`: what is kept in the folder of a journal, for people and scripts. Knows nothing of functions, and makes no folder.
//
// A folder that is looked into, and given back whatever happens.

import { existsSync, statSync } from 'node:fs'
import type { Inspector, keptValue } from '../../durable/index.js'
import { UsageError } from '../failure.js'

/** What reads bytes of a journal. */
export type Reader = typeof keptValue

/** Rejects with `UsageError` where there is no journal, and with `VELO_CHECKPOINT` naming the process that has it. */
export async function inspected<T>(folder: string, look: (inspector: Inspector, read: Reader) => Promise<T>): Promise<T> {
  if (!existsSync(folder)) throw new UsageError(`${folder}: no such folder`)
  if (!statSync(folder).isDirectory())
    throw new UsageError(`${folder} is no folder: expected one that --durable, or journal(path), was given`)
  // Not before: help is there where the add-on is not.
  const { Inspector, keptValue } = await import('../../durable/index.js')
  const inspector = new Inspector(folder)
  try {
    return await look(inspector, keptValue)
  } catch (error) {
    throw explained(error, folder)
  } finally {
    await inspector.close().catch(() => undefined)
  }
}

function explained(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== 'VELO_CHECKPOINT') return error
  if (error.message.endsWith('there is no journal in this folder')) return new UsageError(`${folder}: there is no journal in this folder`)
  // The store is one file, and the process that writes it is the only one that can read it.
  if (/in use by /.test(error.message)) error.message += '; it can be looked into when that one has ended, or has closed it'
  return error
}
