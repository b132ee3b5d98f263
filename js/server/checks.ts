// Checks of names, journals and pipelines that a server is given.

import { type Durable, streamFn } from '../index.js'
import { configError } from '../kit/check.js'

const FIELD = 'createServer(options)'

/** Names that can stand in a URL and in a metric. */
export const NAME = /^[\w.-]{1,128}$/

/** A name that can stand in a URL. */
export function checkName(name: string, field: string): void {
  if (!NAME.test(name)) throw configError(`${field}[${JSON.stringify(name)}]`, 'a name of letters, digits, _, . and -', name)
}

/** What makes durable streams is asked by the library itself, with its name for the option. */
export function checkDurable(durable: unknown): void {
  if (durable === undefined) return
  try {
    streamFn(async function* probe() {}, { durable: durable as Durable })
  } catch {
    throw configError(`${FIELD}.durable`, 'a journal of velo-stream/durable', durable)
  }
}

export function checkPipelines(pipelines: Readonly<Record<string, readonly string[]>>): void {
  const field = `${FIELD}.pipelines`
  if (typeof pipelines !== 'object' || pipelines === null) throw configError(field, 'an object or a boolean', pipelines)
  for (const [name, stages] of Object.entries(pipelines)) {
    checkName(name, field)
    if (!Array.isArray(stages) || stages.length === 0 || stages.some((stage) => typeof stage !== 'string'))
      throw configError(`${field}.${name}`, 'an array of names of functions', stages)
  }
}
