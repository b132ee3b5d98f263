// progressBar: progress as one line of a terminal, or as a plain line now and then where the output is a file or a pipe.

import { configError, duration, onlyKnown } from '../../kit/check.js'
import type { Operator } from '../steps/operator.js'
import { type Progress, type ProgressOptions, telling } from './progress.js'

/** Where a bar is drawn: `process.stderr`, or what behaves like it. */
export interface BarStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Options of `progressBar`. */
export interface ProgressBarOptions extends ProgressOptions {
  /** Where it is drawn. Default `process.stderr`. */
  stream?: BarStream | undefined
  /** Stands before the bar. Default: nothing. */
  label?: string | undefined
}

/** Where there is no terminal, a line each time. */
const PLAIN_INTERVAL = 5_000
const TERMINAL_INTERVAL = 100
const COLUMNS = 80
const BAR = 30

/**
 * Lets every event go on as it is and draws how far the stream has come. On a terminal that is one line that changes, every 100 ms; elsewhere a plain line every 5 seconds and at the
 * end, without control characters. `interval` says otherwise.
 *
 * @example
 * await work.pipe(progressBar({ total: files.length, of: work })).run(files)
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function progressBar<In>(options: ProgressBarOptions = {}): Operator<In, In> {
  const field = 'progressBar(options)'
  onlyKnown(options, field, ['total', 'interval', 'of', 'clock', 'stream', 'label'])
  const { stream = process.stderr, label = '', ...rest } = options
  if (typeof (stream as Partial<BarStream> | null)?.write !== 'function')
    throw configError(`${field}.stream`, 'a stream with write()', stream)
  if (typeof label !== 'string') throw configError(`${field}.label`, 'a string', label)
  const isTerminal = stream.isTTY === true
  const interval = duration(rest.interval, `${field}.interval`, 0, isTerminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL)
  const before = label === '' ? '' : `${label} `
  const draw = (progress: Progress): void => {
    if (!isTerminal) stream.write(`${before}${figures(progress)}\n`)
    else {
      const line = `${before}${bar(progress)}${figures(progress)}`.slice(0, Math.max(1, (stream.columns || COLUMNS) - 1))
      // To the first column, and what was longer before is erased.
      stream.write(`\r${line}\u001b[K${progress.ended ? '\n' : ''}`)
    }
  }
  return telling('progressBar', () => draw, { ...rest, interval }, field)
}

function bar({ percent }: Progress): string {
  if (percent === undefined) return ''
  const full = Math.floor((percent / 100) * BAR)
  return `[${'='.repeat(full)}${' '.repeat(BAR - full)}] `
}

function figures({ done, failed, skipped, total, percent, rate, etaMs, ended, elapsedMs }: Progress): string {
  const parts = [total === undefined ? `${done}` : `${done}/${total}`]
  if (percent !== undefined) parts.push(`${Math.floor(percent)}%`)
  if (failed > 0) parts.push(`${failed} failed`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  parts.push(`${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`)
  if (ended) parts.push(`in ${seconds(elapsedMs)}`)
  else if (etaMs !== undefined) parts.push(`${seconds(etaMs)} left`)
  return parts.join('  ')
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000)
  return whole < 60 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
