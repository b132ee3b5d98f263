// From the name of a file to the stream function it exports.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Generator, type StreamFunction, streamFn } from '../../index.js'
import { UsageError } from '../failure.js'

/** What every command works with. */
export type AnyFunction = StreamFunction<unknown, unknown>

/** Finds the function. Throws `UsageError` when the file, the export or its kind is not there; what the module itself throws arrives untouched. */
export async function loadFunction(file: string, exported: string, worker: boolean): Promise<AnyFunction> {
  const path = resolve(file)
  if (!existsSync(path)) throw new UsageError(`${file}: no such file`)
  const url = pathToFileURL(path)
  if (worker) return streamFn<unknown, unknown>(url, { placement: 'worker', export: exported })
  const module = (await import(url.href)) as Record<string, unknown>
  if (!(exported in module)) {
    throw new UsageError(`${file} has no export '${exported}'; it has: ${Object.keys(module).join(', ') || 'none'} (--export chooses one)`)
  }
  return asFunction(module[exported], `${file}, export '${exported}'`)
}

function asFunction(value: unknown, where: string): AnyFunction {
  const made = value as Partial<AnyFunction> | undefined
  if (typeof value === 'function' && typeof made?.open === 'function' && typeof made.run === 'function') return value as AnyFunction
  if (Object.prototype.toString.call(value) === '[object AsyncGeneratorFunction]') return streamFn(value as Generator<unknown, unknown>)
  throw new UsageError(`${where}: expected an async generator function (async function* (events) { ... }) or a stream function`)
}
