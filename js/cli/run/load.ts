// From the name of a file to the stream function it exports.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type FunctionOptions, type StreamFunction, type StreamGenerator, type StreamOptions, streamFn } from '../../index.js'
import { UsageError } from '../failure.js'

/** What every command works with. */
export type AnyFunction = StreamFunction<unknown, unknown>

/**
 * Finds the function. Throws `UsageError` when the file, the export or its kind is not there; what the module itself throws arrives untouched. With `durable` its streams are kept
 * there: one that has no name of its own is called as its file or its export is, wherever it runs, and its state is what the module exports as `options.state`.
 */
export async function loadFunction(
  file: string,
  exported: string,
  worker: boolean,
  durable?: StreamOptions['durable'],
): Promise<AnyFunction> {
  const path = resolve(file)
  if (!existsSync(path)) throw new UsageError(`${file}: no such file`)
  if (statSync(path).isDirectory()) throw new UsageError(`${file} is a folder: expected a file with a function`)
  const url = pathToFileURL(path)
  if (worker && durable === undefined) return streamFn<unknown, unknown>(url, { placement: 'worker', export: exported })
  const module = await imported(file, path, url.href)
  if (!(exported in module)) {
    throw new UsageError(`${file} has no export '${exported}'; it has: ${Object.keys(module).join(', ') || 'none'} (--export chooses one)`)
  }
  if (durable === undefined) return asFunction(module[exported], `${file}, export '${exported}'`, {})
  const { state } = (module.options ?? {}) as StreamOptions
  const kept = { durable, ...(state !== undefined && { state }) }
  const name = exported === 'default' ? basename(file, extname(file)) : exported
  if (worker) return streamFn<unknown, unknown>(url, { ...kept, name, placement: 'worker', export: exported })
  const value = module[exported]
  return isFunction(value) ? value.with(kept) : asFunction(value, `${file}, export '${exported}'`, { ...kept, name })
}

async function imported(file: string, path: string, url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: string }
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && message?.includes(path))
      throw new UsageError(`${file} is no JavaScript: expected a module, .js or .mjs`)
    throw error instanceof SyntaxError ? misread(error, file, path) : error
  }
}

/** What a stream on another thread failed with: where its module cannot be parsed, that with file and line. */
export function explained(error: unknown, file: string): unknown {
  return (error as { code?: unknown } | null)?.code === 'VELO_FUNCTION_REF' ? misread(error, file, resolve(file)) : error
}

/** Node.js tells neither file nor line of a module that it cannot parse; its `--check` does. */
function misread(error: unknown, file: string, path: string): unknown {
  const { stderr, status } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  // Another module is at fault.
  if (status === 0) return error
  const isModule = /\b(?:import statement outside a module|Unexpected token 'export'|Unexpected token 'import'|import\.meta)/.test(stderr)
  const manifest = isModule && /\.js$/i.test(path) ? manifestOf(dirname(path)) : undefined
  if (manifest !== undefined) {
    const says = manifest.type === undefined ? `does not say "type": "module"` : `says "type": "${manifest.type}"`
    return new UsageError(`${file} is written as an ES module, but ${manifest.path} ${says}: name it .mjs, or set "type": "module" there`)
  }
  const [where = ''] = stderr.split('\n    at ', 1)
  return new UsageError(`${file} cannot be read:\n${where.trim()}`)
}

/** The package.json that says what the `.js` files of a folder are. */
function manifestOf(folder: string): { path: string; type: unknown } | undefined {
  const path = join(folder, 'package.json')
  try {
    const { type } = JSON.parse(readFileSync(path, 'utf8')) as { type?: unknown }
    return { path, type }
  } catch {
    const above = dirname(folder)
    return above === folder ? undefined : manifestOf(above)
  }
}

function isFunction(value: unknown): value is AnyFunction {
  const made = value as Partial<AnyFunction> | undefined
  return typeof value === 'function' && typeof made?.open === 'function' && typeof made.run === 'function'
}

function asFunction(value: unknown, where: string, options: FunctionOptions): AnyFunction {
  if (isFunction(value)) return value
  if (Object.prototype.toString.call(value) === '[object AsyncGeneratorFunction]')
    return streamFn(value as StreamGenerator<unknown, unknown>, options)
  throw new UsageError(`${where}: expected an async generator function (async function* (events) { ... }) or a stream function`)
}
