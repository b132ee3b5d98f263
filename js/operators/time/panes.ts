// js/operators/time: operators that group by time or number, and progress. Knows nothing of inner functions.
//
// Open windows of one size at regular distances: tumbling, or sliding where they overlap. Starts are multiples of the distance.
// Owns: which windows an event belongs to, and which are over. Not here: what time it is.

/** A window: from `start` on, up to but not including `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Events with their times, in the order of arrival. */
export class Pane<In> implements Span {
  start: number
  end: number
  readonly #times: number[] = []
  readonly #events: In[] = []
  #sorted = true
  /** Numbers of the events that came first and last. */
  oldest = Infinity
  newest = -Infinity

  constructor(start: number, end: number) {
    this.start = start
    this.end = end
  }

  get size(): number {
    return this.#events.length
  }

  add(event: In, time: number, number: number): void {
    this.oldest = Math.min(this.oldest, number)
    this.newest = Math.max(this.newest, number)
    const { length } = this.#times
    if (length > 0 && time < (this.#times[length - 1] as number)) this.#sorted = false
    this.#times.push(time)
    this.#events.push(event)
  }

  /** Takes over the events of another. */
  absorb(other: Pane<In>): void {
    for (const [index, event] of other.#events.entries()) this.add(event, other.#times[index] as number, other.oldest)
    this.newest = Math.max(this.newest, other.newest)
  }

  /** Its events by time; those of the same time as they came. */
  events(): In[] {
    if (this.#sorted) return this.#events
    const times = this.#times
    const order = times.map((_, index) => index).sort((a, b) => (times[a] as number) - (times[b] as number))
    return order.map((index) => this.#events[index] as In)
  }
}

/** The open windows of a stream. */
export interface Panes<In> {
  /** Adds an event (the one of this number) to all its windows that are not over at `watermark`; answers in how many it is now. Adds it to none where that is more than `most`. */
  add(event: In, number: number, time: number, watermark: number, most: number): number
  /** Takes out the windows that end at or before `watermark`, by end and then by start. */
  close(watermark: number): Pane<In>[]
  /** When the next one ends; Infinity where none is open. */
  readonly nextEnd: number
  /** Number of the oldest event in one; Infinity where none is open. */
  readonly oldest: number
}

export class RegularPanes<In> implements Panes<In> {
  readonly #size: number
  readonly #every: number
  /** By number: each starts at its number times the distance. */
  readonly #open = new Map<number, Pane<In>>()
  nextEnd = Infinity

  constructor(size: number, every: number) {
    this.#size = size
    this.#every = every
  }

  get oldest(): number {
    let oldest = Infinity
    for (const pane of this.#open.values()) oldest = Math.min(oldest, pane.oldest)
    return oldest
  }

  add(event: In, number: number, time: number, watermark: number, most: number): number {
    let last = Math.floor(time / this.#every)
    // Fractions are rounded: the window must be the one whose own bounds say so.
    if (last * this.#every > time) last--
    else if ((last + 1) * this.#every <= time) last++
    let count = 0
    for (let n = last; this.#end(n) > Math.max(time, watermark); n--) if (++count > most) return count
    for (let n = last; n > last - count; n--) this.#pane(n).add(event, time, number)
    return count
  }

  close(watermark: number): Pane<In>[] {
    if (watermark < this.nextEnd) return []
    const closed: Pane<In>[] = []
    this.nextEnd = Infinity
    for (const [n, pane] of this.#open) {
      if (pane.end <= watermark) {
        closed.push(pane)
        this.#open.delete(n)
      } else if (pane.end < this.nextEnd) this.nextEnd = pane.end
    }
    return closed.sort((a, b) => a.start - b.start)
  }

  /** Tumbling windows end where the next one starts, to the last bit. */
  #end(n: number): number {
    return this.#size === this.#every ? (n + 1) * this.#every : n * this.#every + this.#size
  }

  #pane(n: number): Pane<In> {
    let pane = this.#open.get(n)
    if (pane === undefined) {
      pane = new Pane(n * this.#every, this.#end(n))
      this.#open.set(n, pane)
      if (pane.end < this.nextEnd) this.nextEnd = pane.end
    }
    return pane
  }
}

/** Open sessions: an event joins those that are less than a gap away, and so may join two. */
export class SessionPanes<In> implements Panes<In> {
  readonly #gap: number
  /** By start; no two overlap. */
  #open: Pane<In>[] = []

  constructor(gap: number) {
    this.#gap = gap
  }

  get nextEnd(): number {
    return this.#open[0]?.end ?? Infinity
  }

  get oldest(): number {
    return this.#open.reduce((oldest, pane) => Math.min(oldest, pane.oldest), Infinity)
  }

  add(event: In, number: number, time: number, watermark: number): number {
    const end = time + this.#gap
    // Most events belong to the last session.
    let from = this.#open.length
    while (from > 0 && (this.#open[from - 1] as Pane<In>).end > time) from--
    let to = from
    while (to < this.#open.length && (this.#open[to] as Pane<In>).start < end) to++
    if (from === to) {
      if (end <= watermark) return 0
      const pane = new Pane<In>(time, end)
      pane.add(event, time, number)
      this.#open.splice(from, 0, pane)
      return 1
    }
    const [first, ...others] = this.#open.slice(from, to) as [Pane<In>, ...Pane<In>[]]
    first.add(event, time, number)
    for (const other of others) first.absorb(other)
    first.start = Math.min(first.start, time)
    first.end = Math.max(end, ...[first, ...others].map((pane) => pane.end))
    if (others.length > 0) this.#open.splice(from + 1, others.length)
    return 1
  }

  close(watermark: number): Pane<In>[] {
    let count = 0
    while (count < this.#open.length && (this.#open[count] as Pane<In>).end <= watermark) count++
    return count === 0 ? [] : this.#open.splice(0, count)
  }
}
