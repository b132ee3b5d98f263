// From what `createServer` is given to stream functions that are ready to be served: a map as it stands, or a folder of modules.

import { readdirSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type FunctionOptions, type StreamFunction, type StreamGenerator, type StreamOptions, streamFn, VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import { NAME } from '../checks.js'
import type { Servable, ServedFunction, ServedHttp, ServedSocketOptions, Settings } from '../options.js'
import { envelope, withEnvelope } from './envelope.js'

/** A function under its name, with what is its own. */
export interface Entry {
  readonly name: string
  /** Names of what it runs: its own, or those of its stages. */
  readonly functions: readonly string[]
  readonly fn: StreamFunction<never, unknown>
  readonly http: ServedHttp
  readonly websocket: ServedSocketOptions
}

type Defaults = Pick<Settings, 'placement' | 'envelope' | 'durable' | 'sharing'>

/** Everything that is served, by name. Rejects with `VELO_CONFIG` or `VELO_FUNCTION_REF`. */
export async function loadFunctions({ functions, ...defaults }: Defaults & Pick<Settings, 'functions'>): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  if (typeof functions === 'string' || functions instanceof URL) {
    for (const [name, url] of modulesIn(functions)) entries.set(name, await fromModule(name, url, {}, defaults, fileURLToPath(url)))
    return entries
  }
  for (const [name, given] of Object.entries(functions)) {
    const field = `createServer(options).functions.${name}`
    const { fn, ...options } = isSpec(given) ? given : { fn: given }
    entries.set(name, fn instanceof URL ? await fromModule(name, fn, options, defaults, field) : made(name, fn, options, defaults, field))
  }
  return entries
}

const isSpec = (given: Servable | ServedFunction): given is ServedFunction =>
  typeof given === 'object' && given !== null && !(given instanceof URL) && 'fn' in given

/** The modules of a folder, sorted by name; or the one module that is named. */
function modulesIn(folder: string | URL): Map<string, URL> {
  const path = resolve(folder instanceof URL ? fileURLToPath(folder) : folder)
  const runsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
  const pattern = runsTypes ? /^([^._].*)\.(?:[cm]?js|m?ts)$/ : /^([^._].*)\.[cm]?js$/
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) {
    const name = pattern.exec(basename(path))?.[1]
    if (name !== undefined && NAME.test(name)) return new Map([[name, pathToFileURL(path)]])
    throw refused(
      path,
      `expected a folder of modules, or a module whose name ends with ${runsTypes ? '.js, .mjs, .cjs, .ts or .mts' : '.js, .mjs or .cjs'}`,
    )
  }
  const modules = new Map<string, URL>()
  for (const file of list(path).sort()) {
    const name = pattern.exec(file)?.[1]
    if (name === undefined || /\.(d|test|spec)$/.test(name)) continue
    if (!NAME.test(name)) throw refused(`${path}/${file}`, 'its name cannot stand in a URL: use letters, digits, _, . and -')
    if (modules.has(name)) throw refused(`${path}/${file}`, `there is another module of the name '${name}'`)
    modules.set(name, pathToFileURL(`${path}/${file}`))
  }
  if (modules.size === 0) throw refused(path, 'there is no module in this folder')
  return modules
}

function list(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
  } catch (cause) {
    throw refused(path, `the folder cannot be read: ${(cause as Error).message}`, cause)
  }
}

type Options = Omit<ServedFunction, 'fn'>

async function fromModule(name: string, url: URL, given: Options, defaults: Defaults, where: string): Promise<Entry> {
  let module: Record<string, unknown>
  try {
    module = (await import(url.href)) as Record<string, unknown>
  } catch (cause) {
    throw refused(where, `the module cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  const options = { ...(module.options as Options | undefined), ...given }
  const exported = options.export ?? 'default'
  if (!(exported in module))
    throw refused(where, `the module has no export '${exported}'; it has: ${Object.keys(module).join(', ') || 'none'}`)
  const placement = options.placement ?? defaults.placement
  if (placement === 'worker') return made(name, url, { ...options, placement }, defaults, where)
  const { export: _, ...rest } = options
  return made(name, module[exported] as Servable, rest, defaults, where)
}

function made(name: string, fn: Servable, { http = {}, websocket = {}, ...options }: Options, defaults: Defaults, where: string): Entry {
  return {
    name,
    functions: [name],
    fn: streamFunction(name, fn, kept(name, fn, options, defaults, where), defaults, where),
    http,
    websocket,
  }
}

/** A function that is not durable by itself becomes so where the server keeps streams. One of the cluster is served as sessions. */
function kept(name: string, fn: Servable, options: StreamOptions, { durable, sharing }: Defaults, where: string): StreamOptions {
  const shared = sharing?.functions.get(name)
  if (shared !== undefined) {
    if (fn !== shared.fn) throw configError(where, 'the function that the cluster has under this name', fn)
    if (options.durable !== undefined)
      throw configError(`${where}.durable`, 'nothing for a function of the cluster, which keeps its sessions itself', options.durable)
    return { ...options, durable: shared.durable as NonNullable<StreamOptions['durable']> }
  }
  if (durable === undefined || options.durable !== undefined || (typeof fn === 'function' && keepingOf(fn) !== undefined)) return options
  return { ...options, durable }
}

function streamFunction(
  name: string,
  fn: Servable,
  options: StreamOptions,
  defaults: Defaults,
  where: string,
): StreamFunction<never, unknown> {
  if (fn instanceof URL) {
    const elsewhere = { name, ...options, placement: 'worker' } as const
    if (!defaults.envelope) return streamFn(fn, elsewhere)
    if (options.schema === undefined) return streamFn<never, unknown>(fn, { ...elsewhere, schema: envelope })
    return withEnvelope(streamFn<never, unknown>(fn, elsewhere), { name, ...options })
  }
  if (isStreamFunction(fn)) {
    if (defaults.envelope) return withEnvelope(fn, { name, ...options })
    return Object.keys(options).length === 0 ? fn : fn.with(options)
  }
  if (Object.prototype.toString.call(fn) !== '[object AsyncGeneratorFunction]')
    throw configError(where, 'an async generator function (async function* (events) { ... }), a stream function or the URL of a module', fn)
  const { schema, ...rest } = { name, ...options }
  const check = schema ?? (defaults.envelope ? envelope : undefined)
  if (check === undefined) return streamFn(fn as StreamGenerator<never, unknown>, rest as FunctionOptions)
  const checked = streamFn(fn as StreamGenerator<unknown, unknown>, { ...(rest as FunctionOptions), schema: check }) as StreamFunction<
    never,
    unknown
  >
  return check !== envelope && defaults.envelope ? withEnvelope(checked, rest) : checked
}

function isStreamFunction(fn: Servable): fn is StreamFunction<never, unknown> {
  const made = fn as Partial<StreamFunction<never, unknown>> | null
  return typeof fn === 'function' && typeof made?.open === 'function' && typeof made.with === 'function'
}

function refused(where: string, what: string, cause?: unknown): VeloError {
  return new VeloError('VELO_FUNCTION_REF', `${where}: ${what}`, cause === undefined ? {} : { cause })
}
