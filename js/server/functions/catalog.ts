// js/server/functions: which functions are served, under which names. Knows nothing of requests.
//
// What a name in a URL means: a function, a pipeline with a name, or functions joined with |. Joined ones are made when they are asked for,
// and only so many are kept.

import type { StreamFunction } from '../../index.js'
import { configError } from '../../kit/check.js'
import { JOIN, type Joining } from '../../kit/join.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import type { Entry } from './functions.js'

type AnyFunction = StreamFunction<never, unknown>

/** Stages of a pipeline in a URL. */
const MAX_STAGES = 8
/** Pipelines of URLs that are kept. */
const MAX_JOINED = 64

/** What pipelines of URLs are called. */
const JOINED = '|'

/** Finds entries by name. */
export class Catalog {
  readonly #entries: ReadonlyMap<string, Entry>
  /** The functions as they were given, from which pipelines are made. */
  readonly #plain: ReadonlyMap<string, Entry>
  readonly #counted: (fn: AnyFunction) => AnyFunction
  /** Clients may join functions. */
  readonly #joins: boolean
  readonly #pipelines = new Map<string, Entry>()
  readonly #joined = new Map<string, Entry>()

  /** Throws `VELO_CONFIG` for a pipeline of functions that are not there, or of a name that is taken. */
  constructor(
    entries: ReadonlyMap<string, Entry>,
    pipelines: Readonly<Record<string, readonly string[]>>,
    joins: boolean,
    counted: (fn: AnyFunction) => AnyFunction,
  ) {
    this.#plain = entries
    this.#counted = counted
    this.#entries = new Map([...entries].map(([name, entry]) => [name, { ...entry, fn: counted(entry.fn) }]))
    for (const [name, stages] of Object.entries(pipelines)) {
      const field = `createServer(options).pipelines.${name}`
      if (entries.has(name)) throw configError(field, 'a name that no function has', name)
      for (const stage of stages)
        if (!entries.has(stage)) throw configError(field, `names of functions (${[...entries.keys()].join(', ')})`, stage)
      this.#pipelines.set(name, this.#join(name, stages) as Entry)
    }
    this.#joins = joins
  }

  /** Names that are served. */
  get names(): string[] {
    return this.entries.map(({ name }) => name)
  }

  /** Functions and pipelines with a name. */
  get entries(): Entry[] {
    return [...this.#entries.values(), ...this.#pipelines.values()]
  }

  /** Functions of which streams may have been left: also those that clients join, which have one name in the journal. */
  get kept(): Entry[] {
    const [first] = this.#plain.values()
    const joined = this.#joins && first !== undefined ? [{ ...first, fn: joinedOf(first, [], JOINED) }] : []
    return [...this.entries, ...joined].filter(({ fn }) => keepingOf(fn) !== undefined)
  }

  /** The entry of a name, `undefined` where there is none. */
  find(name: string): Entry | undefined {
    const entry = this.#entries.get(name) ?? this.#pipelines.get(name) ?? this.#joined.get(name)
    if (entry !== undefined || !this.#joins) return entry
    const stages = name.split('|')
    if (stages.length < 2 || stages.length > MAX_STAGES) return undefined
    // In the metrics they are one: clients choose these names.
    const joined = this.#join(JOINED, stages)
    if (joined === undefined) return undefined
    const [oldest] = this.#joined.keys()
    if (this.#joined.size >= MAX_JOINED && oldest !== undefined) this.#joined.delete(oldest)
    this.#joined.set(name, joined)
    return joined
  }

  /** A pipeline is read and written as its first function says and its last one; its streams count at the limits of each. */
  #join(name: string, stages: readonly string[]): Entry | undefined {
    const [first, ...rest] = stages.map((stage) => this.#plain.get(stage))
    if (first === undefined || rest.includes(undefined)) return undefined
    const all = rest as Entry[]
    const next = all.map(({ fn }) => fn)
    const last = all.at(-1) ?? first
    // Its name in the metrics: clients cannot make labels.
    const fn = joinedOf(first, next, name)
    return {
      name,
      functions: stages,
      fn: this.#counted(fn),
      http: { ...last.http, ...first.http },
      websocket: { ...last.websocket, ...first.websocket },
    }
  }
}

function joinedOf({ fn }: Entry, next: readonly AnyFunction[], name: string): AnyFunction {
  return (fn as AnyFunction & Joining<AnyFunction>)[JOIN](next, name)
}
