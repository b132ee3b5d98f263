// progress: tells how far a stream has come, now and then.

import { callable, configError, duration, integer, onlyKnown } from '../../kit/check.js'
import { type Clock, clockOf } from '../../kit/clock.js'
import { isThenable } from '../../kit/promises.js'
import type { OperatorCounts } from '../engine/counts.js'
import { type Operator, operator } from '../steps/operator.js'
import { LATER } from '../steps/step.js'

/** How far a stream has come. */
export interface Progress extends OperatorCounts {
  /** How many events there are, where that is known. */
  readonly total: number | undefined
  /** Events dealt with in a second, since the start. */
  readonly rate: number
  /** ms since the first event. */
  readonly elapsedMs: number
  /** ms that the rest will take at this rate; undefined where that cannot be said. */
  readonly etaMs: number | undefined
  /** Part of `total` that was dealt with, 0 to 100. */
  readonly percent: number | undefined
  /** The stream is over, however it ended: this is the last word. */
  readonly ended: boolean
}

/** Options of `progress`. */
export interface ProgressOptions {
  /** How many events there are. Integer from 0. Default: not known. */
  total?: number | undefined
  /** At most one word in so many ms, from 0, and one at the end. Default 100. */
  interval?: number | undefined
  /** Whose counts are told, for example those of the operator with the calls; since this stream began. Default: the events that pass here are done. */
  of?: { readonly metrics: OperatorCounts } | undefined
  /** Where the time comes from. Default: the clock of the machine. */
  clock?: Clock | undefined
}

/**
 * Lets every event go on as it is and tells `onProgress` how far the stream has come. A promise that
 * `onProgress` returns is awaited before the event goes on, or the stream ends.
 *
 * @example
 * const work = map(resize, { concurrency: 8, onError: 'skip' })
 * await work.pipe(progress(({ percent }) => log.info(percent), { total: files.length, of: work })).run(files)
 *
 * @throws VeloError `VELO_CONFIG` when `onProgress` is no function, or an option is unknown or out of range.
 */
export function progress<In>(onProgress: (progress: Progress) => unknown, options: ProgressOptions = {}): Operator<In, In> {
  callable(onProgress, 'progress(onProgress)')
  return telling('progress', () => onProgress, options, 'progress(onProgress, options)')
}

/** The operator `name`; `listener` makes the function that hears of one stream. */
export function telling<In>(
  name: string,
  listener: () => (progress: Progress) => unknown,
  options: ProgressOptions,
  field: string,
): Operator<In, In> {
  onlyKnown(options, field, ['total', 'interval', 'of', 'clock'])
  const { total, of } = options
  if (total !== undefined) integer(total, `${field}.total`, 0, 0)
  if (of !== undefined && typeof (of as Partial<typeof of> | null)?.metrics !== 'object')
    throw configError(`${field}.of`, 'an operator', of)
  const interval = duration(options.interval, `${field}.interval`, 0, 100)
  const clock = clockOf(options.clock, `${field}.clock`)
  return operator(name, (counts) => ({
    steps: [
      (host) => {
        const account = new Account(total, of, clock)
        const tell = listener()
        let told = Number.NEGATIVE_INFINITY
        host.atEnd(() => tell(account.read(true)))
        return {
          take(event) {
            counts.done++
            account.passed++
            const now = clock.now()
            if (now - told >= interval) {
              told = now
              const heard = tell(account.read(false))
              if (isThenable(heard)) {
                host.wait(Promise.resolve(heard).then(() => event))
                return LATER
              }
            }
            return event
          },
        }
      },
    ],
  }))
}

/** The figures of one stream. */
class Account {
  passed = 0
  private readonly total: number | undefined
  private readonly of: { readonly metrics: OperatorCounts } | undefined
  private readonly clock: Clock
  private readonly before: OperatorCounts | undefined
  private readonly start: number

  constructor(total: number | undefined, of: Account['of'], clock: Clock) {
    this.total = total
    this.of = of
    this.clock = clock
    this.before = of?.metrics
    this.start = clock.now()
  }

  read(ended: boolean): Progress {
    const { total, before } = this
    const now = this.of?.metrics
    const since = (name: keyof OperatorCounts): number => (now?.[name] ?? 0) - (before?.[name] ?? 0)
    const done = now === undefined ? this.passed : since('done')
    const [failed, skipped, underWay] = [since('failed'), since('skipped'), now?.underWay ?? 0]
    const dealt = done + failed + skipped
    const elapsedMs = this.clock.now() - this.start
    const rate = elapsedMs > 0 ? (dealt * 1000) / elapsedMs : 0
    const left = total === undefined ? undefined : Math.max(0, total - dealt)
    const etaMs = left === 0 ? 0 : left === undefined || rate === 0 ? undefined : (left * 1000) / rate
    const percent = total === undefined ? undefined : total === 0 ? 100 : Math.min(100, (dealt * 100) / total)
    return { done, failed, skipped, underWay, total, rate, elapsedMs, etaMs, percent, ended }
  }
}
