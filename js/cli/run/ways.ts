// The two ways of a run: streams that are gone with the process, and one that is kept in a journal.

import type { Interrupt } from '../interrupt.js'
import { DurableJob } from './durable-job.js'
import { type Formats, Job } from './job.js'
import { type KeepOptions, type KeptFunction, keptFunction } from './kept.js'
import { type AnyFunction, loadFunction } from './load.js'
import type { Plan } from './plans.js'
import { ResultFile } from './result-file.js'

/** What a way needs of the command line. */
export interface WayOptions {
  readonly file: string
  readonly exported: string
  readonly worker: boolean
  readonly keep: KeepOptions | undefined
  /** Of a kept stream: `undefined` = stdout. */
  readonly outFile: string | undefined
}

export interface Way {
  /** Of all its streams, in this process. */
  readonly events: number
  readonly results: number
  /** Runs one stream to its end. */
  run(plan: Plan, interrupt: Interrupt): Promise<void>
  /** What `--json` says beside counts. */
  readonly facts: Record<string, unknown>
  /** What is said at the beginning, and at the end. */
  readonly opening: string | undefined
  readonly closing: string | undefined
}

/** Loads the function, and looks for what is kept of its stream. */
export async function wayOf(options: WayOptions, formats: Formats): Promise<Way> {
  const { file, exported, worker, keep, outFile } = options
  if (keep === undefined) return new Plain(await loadFunction(file, exported, worker), formats)
  return new Durable(await keptFunction(file, exported, worker, keep), formats, outFile)
}

class Plain implements Way {
  readonly facts = {}
  readonly opening = undefined
  readonly closing = undefined
  readonly #fn: AnyFunction
  readonly #formats: Formats
  readonly #jobs: Job[] = []

  constructor(fn: AnyFunction, formats: Formats) {
    this.#fn = fn
    this.#formats = formats
  }

  get events(): number {
    return this.#jobs.reduce((total, job) => total + job.events, 0)
  }

  get results(): number {
    return this.#jobs.reduce((total, job) => total + job.results, 0)
  }

  run(plan: Plan, interrupt: Interrupt): Promise<void> {
    const job = new Job({ input: plan.read(), from: plan.from, ...plan.write() }, this.#formats)
    this.#jobs.push(job)
    return job.run(this.#fn, interrupt)
  }
}

class Durable implements Way {
  readonly #kept: KeptFunction
  readonly #formats: Formats
  readonly #outFile: string | undefined
  #job: DurableJob | undefined

  constructor(kept: KeptFunction, formats: Formats, outFile: string | undefined) {
    this.#kept = kept
    this.#formats = formats
    this.#outFile = outFile
  }

  get events(): number {
    return this.#job?.events ?? 0
  }

  get results(): number {
    return this.#job?.results ?? 0
  }

  run(plan: Plan, interrupt: Interrupt): Promise<void> {
    const file = this.#outFile === undefined ? undefined : new ResultFile(this.#outFile, this.#formats.to, this.#kept.was?.results ?? 0)
    this.#job = new DurableJob(this.#kept, plan, this.#formats, file)
    return this.#job.run(interrupt)
  }

  get facts(): Record<string, unknown> {
    const { id, was } = this.#kept
    return {
      stream: { id, was: was === undefined ? null : { events: was.events, results: was.results }, left: this.#job?.isLeft === true },
    }
  }

  get opening(): string | undefined {
    const { id, was, isMade } = this.#kept
    if (was !== undefined) return `stream ${id} goes on behind ${was.events} events and ${was.results} results`
    return isMade ? `the stream is kept as ${id}` : undefined
  }

  get closing(): string | undefined {
    return this.#job?.isLeft === true
      ? `stream ${this.#kept.id} is kept: the same command with --resume ${this.#kept.id} goes on`
      : undefined
  }
}
