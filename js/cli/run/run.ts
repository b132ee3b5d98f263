// js/cli/run: `velo run`: files and pipes in and out of one function. Knows nothing of the words of a command line.
//
// `velo run`: a stream function over stdin, or over files, each of which is a stream of its own.

import { mkdirSync } from 'node:fs'
import { described, Exit, errorJson, exitCode, UsageError } from '../failure.js'
import { Interrupt } from '../interrupt.js'
import { say } from '../terminal.js'
import type { Formats } from './job.js'
import { explained } from './load.js'
import { type Plan, type PlanOptions, planned } from './plans.js'
import { Progress } from './progress.js'
import { type Way, type WayOptions, wayOf } from './ways.js'

/** What the command line says. */
export interface RunOptions extends PlanOptions, WayOptions {
  readonly maxLine: number
  readonly skipMalformed: boolean
  /** `undefined` = where stderr is a terminal. */
  readonly progress: boolean | undefined
  readonly quiet: boolean
  readonly json: boolean
}

/** Runs to the end and answers the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const started = performance.now()
  const plans = planned(options)
  let interrupt: Interrupt | undefined
  let way: Way | undefined
  let skipped = 0
  let progress: Progress | undefined
  let failure: { error: unknown } | undefined
  const counts = () => ({ events: way?.events ?? 0, results: way?.results ?? 0 })
  const report = (error: unknown, input: string | undefined) => {
    failure ??= { error }
    progress?.clear()
    if (!options.json) say(input === undefined ? described(error) : `${input}: ${described(error)}`, 'red')
  }
  const hint = (text: string | undefined) => {
    if (text !== undefined && !options.quiet && !options.json) say(text)
  }
  const formats: Formats = {
    types: options.types,
    to: options.to,
    maxLine: options.maxLine,
    skip: options.skipMalformed ? () => void skipped++ : undefined,
  }
  const one = async (way: Way, plan: Plan, interrupt: Interrupt) => {
    try {
      await way.run(plan, interrupt)
    } catch (error) {
      const told = explained(error, options.file)
      // It is the function that is at fault, not this input.
      report(told, told === error ? plan.input : undefined)
    }
  }
  try {
    const chosen = await wayOf(options, formats)
    way = chosen
    // A module that does not finish loading ends as any process does at Ctrl-C.
    const signals = new Interrupt()
    interrupt = signals
    if (options.outDir !== undefined) makeFolder(options.outDir)
    hint(chosen.opening)
    if (options.progress ?? seen(options)) progress = new Progress(counts)
    const queue = plans.values()
    const lane = async () => {
      for (const plan of queue) if (signals.code === undefined) await one(chosen, plan, signals)
    }
    await Promise.all(Array.from({ length: options.concurrency }, lane))
  } catch (error) {
    report(error, undefined)
  } finally {
    interrupt?.dispose()
    progress?.stop()
  }
  const code = interrupt?.code ?? (failure === undefined ? Exit.ok : exitCode(failure.error))
  if (options.json) {
    const ms = Math.round(performance.now() - started)
    const error = failure === undefined ? {} : { error: errorJson(failure.error) }
    process.stderr.write(`${JSON.stringify({ exitCode: code, ...counts(), skipped, ms, ...way?.facts, ...error })}\n`)
  } else if (skipped > 0 && !options.quiet) {
    say(`${skipped} malformed ${skipped === 1 ? 'line was' : 'lines were'} left out`, 'yellow')
  }
  hint(way?.closing)
  return code
}

/** Whether somebody sees the progress: on a terminal, unless results come out there too. */
const seen = ({ quiet, json, outDir, outFile }: RunOptions): boolean =>
  process.stderr.isTTY === true && !quiet && !json && (process.stdout.isTTY !== true || (outDir ?? outFile) !== undefined)

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new UsageError(`--out-dir ${path}: the folder cannot be made: ${(error as Error).message}`)
  }
}
