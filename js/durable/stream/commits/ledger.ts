// js/durable/stream/commits: what a stream has to commit, and what its end leaves. Knows nothing of events.
//
// What a durable stream has to commit: how many results were delivered, their hashes, its state with the results before it. One commit is under way at a time; what comes meanwhile
// goes with the next. The outcome of a `ctx.run` goes alone: if it is refused, that concerns nobody but who asked.

import type { Failure } from '../../../kit/errors.js'
import { VeloError } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import type { Checkpoint, Commit, Journal, Kept, KeptOutputs, Ownership, ResultHashes } from '../../journal.js'
import { endMark, isEndMark } from './end-mark.js'

/** What was delivered is written by and by where nothing else is to be written, ms. */
const BY_AND_BY = 20
/** ms until what could not be written is tried again, at most; the first time after BY_AND_BY, then twice as long each time. */
const MAX_PAUSE = 5000
/** With an append it goes earlier, but not with each of a stream that is busy: that would be as many steps of the journal again. */
const A_WHILE = 5

export class Ledger {
  /** Index of the next result that the function makes. */
  made: number
  /** Results delivered, as far as anybody knows. */
  delivered: number
  private readonly journal: Journal
  private readonly own: Ownership
  private readonly onFailure: (error: unknown) => void
  private readonly keepsOutputs: boolean
  /** Results from index `base` on, of which something is still to be committed. */
  private base: number
  private hashes: number[] = []
  /** Themselves, where they must be kept because their history is not. */
  private results: Uint8Array[] = []
  /** Hashes below this index are in a commit, or will never be needed. */
  private hashed: number
  /** Those below this index are stored. */
  private storedHashes: number
  /** Results below this index are kept as outputs, or were delivered. */
  private sheltered: number
  private told: number
  private checkpoint: Checkpoint | undefined
  /** Checkpoints that were told before all their results came by: the first such one, so that there is always one that goes soon, and the last. */
  private early: Checkpoint[] = []
  /** Number of the next outcome, where there is no state. */
  private outcomes: number
  /** Number of the last outcome that is known to be stored. */
  private stored: number | undefined
  private over: Commit['over'] | undefined
  private flying: Promise<void> | undefined
  private next: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  /** ms until what was delivered is written. */
  private pause = BY_AND_BY
  /** When that was set. */
  private since = 0

  constructor(journal: Journal, kept: Kept, keepsOutputs: boolean, onFailure: (error: unknown) => void) {
    this.journal = journal
    this.own = kept.own
    this.keepsOutputs = keepsOutputs
    this.onFailure = onFailure
    this.made = this.base = kept.state?.results ?? 0
    this.delivered = this.told = kept.delivered
    const outcomes = kept.outcomes.filter((outcome) => !isEndMark(outcome))
    this.outcomes = outcomes.reduce((most, { asked }) => Math.max(most, asked + 1), 0)
    this.stored = outcomes.at(-1)?.asked
    this.hashed = Math.max(kept.hashes.from + kept.hashes.values.length, this.made)
    this.storedHashes = this.hashed
    // What was made before the state was delivered, or is among the outputs.
    this.sheltered = this.made
  }

  /** Something was delivered a while ago, and is not written yet: it goes along with what is appended now. */
  get isDue(): boolean {
    return this.timer !== undefined && performance.now() - this.since >= A_WHILE
  }

  /** The function made a result. */
  add(hash: number, bytes: Uint8Array): void {
    this.made++
    // Of one made again, which was delivered and whose hash is kept, nothing has to be said.
    if (this.hashes.length === 0 && this.made <= Math.min(Math.max(this.delivered, this.sheltered), this.hashed)) this.base = this.made
    else {
      this.hashes.push(hash)
      if (this.keepsOutputs) this.results.push(bytes)
    }
    const [early] = this.early
    if (early === undefined || early.results > this.made) return
    this.early.shift()
    this.save(early)
  }

  /** All results below `index` are delivered. */
  deliver(index: number): void {
    if (index <= this.delivered) return
    this.delivered = index
    this.soon()
  }

  /** Saves a state, when all results before it have come by. */
  save(checkpoint: Checkpoint): void {
    if (checkpoint.results > this.made) {
      this.early[this.early.length === 0 ? 0 : 1] = checkpoint
      return
    }
    this.checkpoint = checkpoint
    void silence(this.flush())
  }

  /** Keeps an outcome; settles when it is kept. */
  keep(asked: number, bytes: Uint8Array): Promise<void> {
    // Stages count by themselves where they are on different threads, and in another order in each life; a state has its stages on one.
    const number = this.keepsOutputs ? asked : this.outcomes++
    const outcomes = [{ asked: number, bytes }]
    const storing = this.journal.commit(this.own, this.stored === undefined ? { outcomes } : { outcomes, after: this.stored })
    return storing.then(() => void (this.stored = number))
  }

  /** The function has ended, and its reader has not been told. */
  mark(failure: Failure | undefined, taken: number): void {
    void silence(this.journal.commit(this.own, endMark(failure, taken)))
  }

  /** The stream has finished: nothing of it is needed any more but `bytes`, for `retain` ms. */
  finish(bytes: Uint8Array, retain: number): Promise<void> {
    this.over = { bytes, retain }
    return this.flush()
  }

  /** Commits what there is to commit, with everything that comes until it can go. */
  flush(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.next !== undefined) return this.next
    if (this.flying === undefined) {
      // At the end of this turn of microtasks: what else comes goes with it.
      this.next = Promise.resolve().then(() => this.go())
      return this.next
    }
    this.next = this.flying.then(
      () => this.go(),
      () => this.go(),
    )
    return this.next
  }

  /** Nothing is written any more but what is under way. */
  stop(): void {
    clearTimeout(this.timer)
  }

  private soon(): void {
    if (this.timer !== undefined || this.next !== undefined) return
    this.since = performance.now()
    this.timer = setTimeout(() => silence(this.flush()), this.pause).unref()
  }

  private go(): Promise<void> {
    this.next = undefined
    const { told } = this
    const commit = this.take()
    if (commit === undefined) return Promise.resolve()
    const { hashed } = this
    const flying = this.journal.commit(this.own, commit).finally(() => {
      if (this.flying === flying) this.flying = undefined
    })
    this.flying = flying
    flying.then(
      () => {
        this.storedHashes = hashed
        this.pause = BY_AND_BY
        this.forget()
      },
      (error) => this.failed(commit, told, error),
    )
    return flying
  }

  /** What was delivered is written later: it is known here, and a repeat is harmless. Anything else fails the stream. */
  private failed({ state, over }: Commit, told: number, error: unknown): void {
    if (state !== undefined || over !== undefined || !(error instanceof VeloError && error.retryable)) return this.onFailure(error)
    this.told = told
    this.hashed = this.storedHashes
    this.pause = Math.min(2 * this.pause, MAX_PAUSE)
    this.soon()
  }

  /** What the next commit says. */
  private take(): Commit | undefined {
    const { checkpoint, over, delivered } = this
    const hashes = this.takeHashes()
    if (delivered === this.told && hashes === undefined && checkpoint === undefined && over === undefined) return undefined
    // Spreads of what may not be there take longer than all the rest.
    const commit: { -readonly [Name in keyof Commit]: Commit[Name] } = {}
    if (delivered > this.told) commit.delivered = delivered
    if (hashes !== undefined) commit.hashes = hashes
    if (checkpoint !== undefined) {
      commit.state = checkpoint
      const outputs = this.outputsOf(checkpoint)
      if (outputs !== undefined) commit.outputs = outputs
    }
    if (over !== undefined) commit.over = over
    this.told = delivered
    this.checkpoint = this.over = undefined
    return commit
  }

  private takeHashes(): ResultHashes | undefined {
    const from = Math.max(this.hashed, this.checkpoint?.results ?? 0)
    const to = Math.min(this.delivered, this.made)
    if (this.checkpoint !== undefined) this.hashed = Math.max(this.hashed, this.checkpoint.results)
    if (to <= from) return undefined
    this.hashed = to
    const values = new Uint32Array(to - from)
    for (let index = from; index < to; index++) values[index - from] = this.hashes[index - this.base] as number
    return { from, values }
  }

  /** Results before the state that were not delivered and are not kept yet. */
  private outputsOf({ results }: Checkpoint): KeptOutputs | undefined {
    const from = Math.max(this.delivered, this.sheltered)
    this.sheltered = Math.max(this.sheltered, results)
    return from >= results ? undefined : { from, values: this.results.slice(from - this.base, results - this.base) }
  }

  /** Lets go of results that nothing has to be said of any more. */
  private forget(): void {
    const done = Math.min(Math.max(this.delivered, this.sheltered), this.storedHashes, this.made) - this.base
    if (done <= 0) return
    this.hashes = this.hashes.slice(done)
    this.results = this.results.slice(done)
    this.base += done
  }
}
