// What the stages on worker threads have done, in memory that their threads write and the caller reads at any time: exact enough to count by, and to know whether
// a function is at work. Also what must reach a thread that looks at no message: that a stage is not wanted any more, and that the stages go elsewhere.

/** Words of a stage. */
const WORDS = 5
const TAKEN = 0
const GIVEN = 1
const PAUSE = 2
const HEEDED = 3
/** Not a number but flags. */
const UNWANTED = 4

/** Where the stages are, all of them at once: a flag after those of the stages. */
const Start = { Open: 0, Begun: 1, Recalled: 2 } as const

export class Tally {
  readonly memory: SharedArrayBuffer
  /** Number of the first stage in the pipeline. */
  readonly first: number
  private readonly words: Float64Array
  private readonly flags: Int32Array
  /** Of threads before, which were lost: what their stages had done. */
  private readonly before: number[]

  constructor(first: number, memory: SharedArrayBuffer, before: number[] = []) {
    this.first = first
    this.memory = memory
    this.words = new Float64Array(memory)
    this.flags = new Int32Array(memory)
    this.before = before
  }

  static of(first: number, stages: number): Tally {
    return new Tally(first, new SharedArrayBuffer((stages * WORDS + 1) * Float64Array.BYTES_PER_ELEMENT))
  }

  /** A new one for the same stages on other threads; it goes on counting. */
  renewed(): Tally {
    const before = Array.from(this.words, (word, index) => word + (this.before[index] ?? 0))
    return new Tally(this.first, new SharedArrayBuffer(this.memory.byteLength), before)
  }

  /** A thread begins with its stages; false where they were recalled. */
  begin(): boolean {
    return Atomics.compareExchange(this.flags, this.flags.length - 1, Start.Open, Start.Begun) !== Start.Recalled
  }

  /** Whether a thread has begun with them. */
  get hasBegun(): boolean {
    return Atomics.load(this.flags, this.flags.length - 1) === Start.Begun
  }

  /** The stages go elsewhere; false where one of them has begun. */
  recall(): boolean {
    return Atomics.compareExchange(this.flags, this.flags.length - 1, Start.Open, Start.Recalled) === Start.Open
  }

  /** A stage is not wanted any more. */
  abort(index: number): void {
    Atomics.store(this.flags, 2 * ((index - this.first) * WORDS + UNWANTED), 1)
  }

  /** Seen at once, also by a function that lets nothing else happen on its thread. */
  isAborted(index: number): boolean {
    return Atomics.load(this.flags, 2 * ((index - this.first) * WORDS + UNWANTED)) !== 0
  }

  /** What a stage has taken and given, on all of its threads. */
  total(index: number): { taken: number; given: number } {
    const at = (index - this.first) * WORDS
    return { taken: this.taken(index) + (this.before[at + TAKEN] ?? 0), given: this.given(index) + (this.before[at + GIVEN] ?? 0) }
  }

  /** Events given to a stage. */
  taken(index: number): number {
    return this.words[(index - this.first) * WORDS + TAKEN] as number
  }

  /** Results that went on from it. */
  given(index: number): number {
    return this.words[(index - this.first) * WORDS + GIVEN] as number
  }

  /** What it waits for. */
  pause(index: number): number {
    return this.words[(index - this.first) * WORDS + PAUSE] as number
  }

  /** What it was told beside its events: how many times it heard. */
  heeded(index: number): number {
    return this.words[(index - this.first) * WORDS + HEEDED] as number
  }

  heed(index: number): void {
    this.words[(index - this.first) * WORDS + HEEDED]++
    this.words[(index - this.first) * WORDS + PAUSE] = 0
  }

  /** A stage takes an event. */
  take(index: number): void {
    this.words[(index - this.first) * WORDS + TAKEN]++
    this.words[(index - this.first) * WORDS + PAUSE] = 0
  }

  give(index: number): void {
    this.words[(index - this.first) * WORDS + GIVEN]++
  }

  setPause(index: number, pause: number): void {
    this.words[(index - this.first) * WORDS + PAUSE] = pause
  }
}
