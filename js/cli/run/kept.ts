// The function of a run whose stream is kept in a journal, and how far that stream has come.

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { journal } from '../../durable/index.js'
import { UsageError } from '../failure.js'
import { type AnyFunction, loadFunction } from './load.js'

/** What the command line says of the stream. */
export interface KeepOptions {
  /** Of the journal; `undefined`: the function brings its own. */
  readonly folder: string | undefined
  /** `undefined`: one is made. */
  readonly id: string | undefined
  /** It was interrupted: there is no use in beginning it. */
  readonly isKnown: boolean
}

export interface KeptFunction {
  readonly fn: AnyFunction
  readonly id: string
  /** Nobody knows the id yet. */
  readonly isMade: boolean
  /** Events taken and results delivered; `undefined` of a new stream. */
  readonly was: { readonly events: number; readonly results: number } | undefined
  /** Whether anything of it is kept, now that it is closed. */
  isThere(): Promise<boolean>
  /** Gives the folder back. */
  close(): Promise<void>
}

/** Throws `UsageError` where nothing is kept, or nothing of that stream although it should be; rejects with `VELO_CHECKPOINT`. */
export async function keptFunction(file: string, exported: string, worker: boolean, options: KeepOptions): Promise<KeptFunction> {
  const { folder, id = randomUUID(), isKnown } = options
  if (isKnown && folder !== undefined && !existsSync(folder)) throw new UsageError(`--durable ${folder}: no such folder`)
  const kept = folder === undefined ? undefined : journal(folder)
  const fn = await loadFunction(file, exported, worker, kept)
  const left = await unfinished(fn)
  const isIt = (stream: { readonly id: string }) => stream.id === id
  const was = left.find(isIt)
  if (was === undefined && isKnown) throw unknown(fn.name, id, left)
  // A journal that fails now is told of by whoever uses it next.
  const isThere = () =>
    fn.unfinished().then(
      (streams) => streams.some(isIt),
      () => true,
    )
  return { fn, id, isMade: options.id === undefined, was, isThere, close: async () => kept?.close().catch(() => undefined) }
}

async function unfinished(fn: AnyFunction): Promise<Awaited<ReturnType<AnyFunction['unfinished']>>> {
  try {
    return await fn.unfinished()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'VELO_CONFIG') throw error
    throw new UsageError('--id and --resume need --durable <folder>, or a function that has the option durable')
  }
}

/** Names in a message. */
const SHOWN = 5

function unknown(name: string, id: string, left: readonly { readonly id: string }[]): UsageError {
  const ids = left.slice(0, SHOWN).map((stream) => JSON.stringify(stream.id))
  const more = left.length > SHOWN ? ` and ${left.length - SHOWN} more` : ''
  const others = ids.length === 0 ? 'none is' : `these are: ${ids.join(', ')}${more}`
  return new UsageError(`no stream ${JSON.stringify(id)} of ${name} was interrupted: it has ended, or never began (${others})`)
}
