// What the option `durable` brings along: durable streams over any journal.

import { randomUUID } from 'node:crypto'
import type { Durability, Durable } from '../api/keeping/durability.js'
import { DURABILITY } from '../api/keeping/durability.js'
import type { StateOptions } from '../api/options.js'
import type { Definition } from '../engine/definition.js'
import type { LeaseOptions } from '../engine/lease.js'
import type { Stage } from '../engine/stages/stage.js'
import { callable, configError, duration, onlyKnown, record, word } from '../kit/check.js'
import type { Puller } from '../kit/iteration/pulled.js'
import type { UnfinishedStream } from '../kit/types.js'
import { WorkerPlacement } from '../workers/caller/placement.js'
import type { Journal } from './journal.js'
import { resolveState } from './state.js'
import { DurableResults } from './stream/call.js'
import { DurableLive } from './stream/durable-live.js'
import { Pulling } from './stream/pulling.js'
import { collect } from './stream/run.js'
import type { Settings } from './stream/settings.js'
import { Suspicions } from './stream/suspicion.js'

/** What a journal does with its streams, beside keeping them. */
export interface DurableOptions {
  /** ms that the end of a stream is kept, so that opening it again tells the outcome instead of starting anew. Default 0. */
  retain?: number
  /** What becomes of a stream whose replay gives another result than before: it fails with `VELO_CHECKPOINT`, or a warning is emitted and it goes on. Default `'fail'`. */
  onDivergence?: 'fail' | 'warn'
}

const METHODS = ['open', 'append', 'read', 'commit', 'discard', 'unfinished', 'close'] as const

/**
 * Makes what the option `durable` takes out of any `Journal`.
 *
 * @throws VeloError `VELO_CONFIG` where something of a journal is missing, or an option is unknown or out of range.
 */
export function durable(journal: Journal, options: DurableOptions = {}): Durable {
  record(journal, 'durable(journal)')
  for (const method of METHODS) callable(journal[method], `durable(journal).${method}`)
  onlyKnown(options, 'durable(journal, options)', ['retain', 'onDivergence'])
  const retain = duration(options.retain, 'durable(journal, options).retain', 0, 0)
  const onDivergence = word(options.onDivergence, 'durable(journal, options).onDivergence', ['fail', 'warn'])
  return { [DURABILITY]: new DurableStreams(journal, { retain, onDivergence }) }
}

class DurableStreams implements Durability {
  readonly #journal: Journal
  readonly #options: Required<DurableOptions>
  /** Those that are open here, by function and id. */
  readonly #open = new Map<string, DurableLive>()
  readonly #suspicions = new Suspicions()

  constructor(journal: Journal, options: Required<DurableOptions>) {
    this.#journal = journal
    this.#options = options
  }

  stages(stages: readonly Stage[], options: Definition['options']): readonly Stage[] {
    const { clock, transfer, codec, state } = options
    const field = 'streamFn(options)'
    if (transfer) throw configError(`${field}.transfer`, 'false beside durable: what is kept cannot be moved away', transfer)
    if (clock !== undefined) throw configError(`${field}.clock`, 'no clock beside durable', clock)
    const isElsewhere = stages.some(({ placement }) => placement !== undefined)
    if (isElsewhere && typeof codec === 'object')
      throw configError(`${field}.codec`, "'structured', 'json' or 'binary' beside durable and placement 'worker'", codec)
    if (isElsewhere && state !== undefined && stages.length > 1)
      throw configError(`${field}.state`, 'no state for a pipeline with a stage on a worker thread, which comes back by replay', state)
    return stages.map((stage, index) => asBytes(stage, index === 0))
  }

  open(def: Definition, options: LeaseOptions, puller: Puller | undefined): DurableLive {
    return this.#make(def, options, puller, false)
  }

  run(def: Definition, source: unknown, options: LeaseOptions): Promise<unknown[]> {
    return collect(this.#make(def, options, undefined, true), source)
  }

  call(def: Definition, source: unknown, options: LeaseOptions): DurableResults {
    return new DurableResults((scope) => this.#make(def, { ...options, scope }, undefined, false), source)
  }

  async unfinished(name: string): Promise<UnfinishedStream[]> {
    const kept = await this.#journal.unfinished(name)
    return kept.filter(({ id }) => !this.#open.has(key(name, id))).map((one) => ({ ...one }))
  }

  async discard(name: string, id: string): Promise<boolean> {
    const open = this.#open.get(key(name, id))
    if (open === undefined) return this.#journal.discard({ function: name, id })
    open.abort('it was discarded')
    await open.whenEnded()
    await this.#journal.discard({ function: name, id })
    return true
  }

  #make(def: Definition, options: LeaseOptions, puller: Puller | undefined, collects: boolean): DurableLive {
    const { codec, state, onWorkerExit, name } = def.options
    // Ids of all processes to come are in one journal.
    const id = options.id ?? `${name}-${randomUUID()}`
    const place = key(name, id)
    const suspicion = this.#suspicions.of(place)
    const settings: Settings = {
      journal: this.#journal,
      ...this.#options,
      codec,
      schema: def.given[0]?.schema,
      state: state === undefined ? undefined : resolveState(state as StateOptions<unknown>),
      survivesThreads: onWorkerExit === 'resume',
      collects,
      suspicion,
    }
    const live = new DurableLive(def, { ...options, id }, puller && new Pulling(puller), settings)
    this.#open.set(place, live)
    void live.whenEnded().then(() => {
      this.#open.delete(place)
      this.#suspicions.remember(place, suspicion)
    })
    return live
  }
}

function key(name: string, id: string): string {
  return JSON.stringify([name, id])
}

/** A stage that records go through: checked before they are kept, and bytes between threads. */
function asBytes(stage: Stage, isFirst: boolean): Stage {
  const { placement } = stage
  const schema = isFirst ? undefined : stage.schema
  if (!(placement instanceof WorkerPlacement)) return { ...stage, schema }
  const travel = { ...placement.travel, codec: 'binary' as const, onWorkerExit: 'fail' as const }
  return { ...stage, schema, placement: new WorkerPlacement(placement.href, travel) }
}
