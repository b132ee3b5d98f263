// Whether a durable stream ends the worker threads it runs on (rule 28). A death counts against a stream only if its function was at work on an event then; whoever was runs alone
// next time, and is cleared when it gets further. Nobody else is held up.

import type { Blame, Isolation, StageLoss } from '../../engine/stages/harness.js'
import { quarantine } from '../../workers/caller/quarantine.js'
import type { Life } from './life.js'

/** How many threads may die of one event. */
const MAX_DEATHS = 5
/** After more deaths that nobody is known to be to blame for, each stream of them runs alone. */
const MOST_UNKNOWN = 2
/** ms after which a stream that waits, alone on its thread, need not be alone any more. */
const CALM = 2_000
/** Streams of a journal that are remembered beyond their handles. */
const REMEMBERED = 1000

export class Suspicion {
  /** Threads that died of the event with the index `at`, or of what the event before had started. */
  private deaths = 0
  private at = -1
  /** Those are events of the stream, and not of a later stage. */
  private isOfStream = true
  /** Deaths that cannot be told whom to blame for. */
  private unknown = 0

  get isFree(): boolean {
    return this.deaths === 0 && this.unknown === 0
  }

  /** A thread is lost; `before`: events before the first that its life was given. False: another one would be lost, too. */
  add({ blame, taken, isWaiting, first }: StageLoss, before: number, isAlone: boolean): boolean {
    const whose: Blame = isAlone ? 'working' : blame
    if (whose === 'unknown') this.unknown++
    if (whose !== 'working') return true
    const at = (first ? before : 0) + taken - (isWaiting ? 0 : 1)
    if (at > this.at) this.deaths = 0
    this.at = at
    this.isOfStream = first
    return ++this.deaths < MAX_DEATHS
  }

  /** A life that may end its thread waits until it can have one for itself. */
  async keepApart(life: Life): Promise<void> {
    life.isTraced = this.unknown > 0
    if (this.deaths === 0 && this.unknown <= MOST_UNKNOWN) return
    life.isolation = new StreamIsolation(life, this)
    await quarantine(life.isolation)
  }

  /** Whether the event is done of which a thread had died before. */
  isPast(taken: number, isWaiting: boolean): boolean {
    return this.deaths > 0 && this.isOfStream && (taken > this.at + 1 || (taken > this.at && isWaiting))
  }

  clear(): void {
    this.deaths = this.unknown = 0
  }
}

export class StreamIsolation implements Isolation {
  private readonly life: Life
  private readonly suspicion: Suspicion
  private readonly since = performance.now()
  private wasOver = false

  constructor(life: Life, suspicion: Suspicion) {
    this.life = life
    this.suspicion = suspicion
  }

  get isOver(): boolean {
    this.wasOver ||= this.looks()
    return this.wasOver
  }

  private looks(): boolean {
    const { life, suspicion } = this
    if (life.isLeaving || life.isLost) return true
    if (!life.isReady) return false
    const { isWaiting } = life.inner.row
    if (suspicion.isPast(life.taken, isWaiting)) suspicion.clear()
    return suspicion.isFree || (isWaiting && performance.now() - this.since > CALM)
  }
}

/** Of the streams of a journal, whether they are open or not. */
export class Suspicions {
  readonly #byKey = new Map<string, Suspicion>()

  of(key: string): Suspicion {
    return this.#byKey.get(key) ?? new Suspicion()
  }

  /** A handle is over. */
  remember(key: string, suspicion: Suspicion): void {
    this.#byKey.delete(key)
    if (suspicion.isFree) return
    this.#byKey.set(key, suspicion)
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size > REMEMBERED) this.#byKey.delete(oldest as string)
  }
}
