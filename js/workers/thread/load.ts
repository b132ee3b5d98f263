// Finds the functions of a stream in their modules, on the thread that runs them; each module is loaded once.

import { validated } from '../../engine/channels/schema.js'
import { definitions } from '../../engine/definition.js'
import { SegmentMarks } from '../../engine/marks/segment-marks.js'
import type { Arrive } from '../../engine/stages/harness.js'
import type { Stage } from '../../engine/stages/stage.js'
import { VeloError } from '../../kit/errors.js'
import { holds, MARK } from '../../kit/marks.js'
import { required } from '../../kit/start/late.js'
import type { StreamGenerator } from '../../kit/types.js'
import type { Codec } from '../codec/codec.js'
import type { OpenCommand, StageRef } from '../wire/protocol.js'

/** What a segment needs of its modules. */
export interface Loaded {
  functions: { fn: StreamGenerator<unknown, unknown>; ref: StageRef }[]
  codec: Codec
}

type Module = Record<string, unknown>

const modules = new Map<string, Module>()

/** At once if every module is here already; rejects or throws `VELO_FUNCTION_REF`. */
export function load(command: OpenCommand): Loaded | Promise<Loaded> {
  const missing = command.stages.map(({ href }) => href).filter((href) => !modules.has(href))
  if (missing.length > 0) return loadAll(missing).then(() => find(command))
  try {
    return find(command)
  } catch (error) {
    return Promise.reject(error)
  }
}

async function loadAll(missing: string[]): Promise<void> {
  for (const href of missing) {
    try {
      modules.set(href, (await import(href)) as Module)
    } catch (cause) {
      throw refused(href, `cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
    }
  }
}

function find(command: OpenCommand): Loaded {
  const { stages, codec } = command
  const functions = stages.map((ref) => {
    const { href, exported } = ref
    const module = modules.get(href) as Module
    if (!(exported in module)) throw refused(href, `has no export '${exported}' (it has: ${Object.keys(module).join(', ') || 'none'})`)
    const fn = module[exported]
    const definition = definitions.get(fn as object)
    if (definition !== undefined) {
      if (definition.remote) throw refused(href, `its export '${exported}' runs on worker threads itself; export the generator`)
      return { fn: composed(definition.stages), ref }
    }
    if (Object.prototype.toString.call(fn) !== '[object AsyncGeneratorFunction]')
      throw refused(href, `its export '${exported}' is no async generator function (async function* (events) { ... })`)
    return { fn: fn as StreamGenerator<unknown, unknown>, ref }
  })
  return { functions: harnessed(functions, command), codec: codec === 'module' ? ownCodec(stages) : codec }
}

/** The functions with what stands between them and the library. */
function harnessed(functions: Loaded['functions'], { harness }: OpenCommand): Loaded['functions'] {
  if (harness === undefined) return functions
  // A part of velo-stream, so it must come from the same copy as this file.
  const { wrap } = (required(new URL(harness.module)) as { arrive: Arrive }).arrive(harness.data)
  const isLast = (index: number): boolean => index === harness.stages - 1
  return functions.map(({ fn, ref }) => ({ fn: wrap(fn, { index: ref.index, last: isLast(ref.index) }) as typeof fn, ref }))
}

/** The stages of a stream function as one generator: each reads the one before it. */
function composed(stages: readonly Stage[]): StreamGenerator<unknown, unknown> {
  // Where one of them holds events, what is done is known of all of them together.
  const holding = stages.length > 1 && stages.some(({ fn }) => holds(fn))
  return (events, context) => {
    const marks = holding ? new SegmentMarks() : undefined
    let source: AsyncIterableIterator<unknown> = events
    for (const { fn, schema } of stages) {
      const checked = schema === undefined ? source : iterable(validated(source, schema, () => context.id))
      source = ((marks?.wrap(fn) ?? fn) as StreamGenerator<unknown, unknown>)(checked, context)
    }
    if (marks !== undefined) Object.assign(source, { [MARK]: () => marks.low() })
    return source as ReturnType<StreamGenerator<unknown, unknown>>
  }
}

function iterable(iterator: AsyncIterator<unknown>): AsyncIterableIterator<unknown> {
  return Object.assign(iterator, {
    [Symbol.asyncIterator]() {
      return this as AsyncIterableIterator<unknown>
    },
  })
}

/** The codec of the user: functions cannot travel, so the module brings its own. */
function ownCodec(stages: StageRef[]): Codec {
  const [first] = stages as [StageRef]
  const codec = modules.get(first.href)?.codec as { encode?: unknown; decode?: unknown } | undefined
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function')
    throw refused(first.href, "must export 'codec', the { encode, decode } of the option codec, because functions cannot travel")
  return codec as Codec
}

function refused(href: string, why: string, cause?: unknown): VeloError {
  const shown = href.length > 200 ? `${href.slice(0, 200)}...` : href
  return new VeloError(
    'VELO_FUNCTION_REF',
    `module ${shown} ${why}`,
    cause === undefined ? { field: 'streamFn(fn)' } : { field: 'streamFn(fn)', cause },
  )
}
