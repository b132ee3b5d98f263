// Decides what the function of a stage receives next: an event, the request for its next result, or the outcome of a step. Owns the order, so that a replay repeats it (rule 30).
// Knows nothing of what is delivered.
//
// Each delivery begins a turn, which lasts until the microtask queue is empty; only then comes the next one. So the continuations of one delivery, and the steps that they begin, never mix with those
// of another, whether two of them came together or apart. An outcome is stored with its position: how many events and requests for results the function had received before. While a
// replay has stored outcomes left, those come in their order and at their positions; everything else keeps the order of its arrival.

export const Kind = { Event: 0, Pull: 1, Outcome: 2 } as const

/** Something on its way to the function. */
export interface Delivery {
  readonly kind: (typeof Kind)[keyof typeof Kind]
  /** False for an outcome that the journal has not stored yet. */
  readonly isReady: boolean
  /** Hands it over. Must not throw. */
  deliver(): void
}

/** What the function had received when an outcome was delivered, counted from the last saved state. */
export interface Position {
  readonly events: number
  readonly pulls: number
}

/** An outcome of an earlier run of the stream. It is ready as soon as the function has called `ctx.run` for it. */
export interface StoredDelivery extends Delivery {
  /** Undefined if it was stored by an earlier version, or counted from a state that was not saved. */
  readonly position: Position | undefined
}

const PULL = { kind: Kind.Pull }
const FIRST: Position = { events: 0, pulls: 0 }

export interface DeliveryQueueOptions<Stored extends StoredDelivery> {
  /** In the order in which they were recorded. */
  readonly stored: readonly Stored[]
  /** The function cannot call `ctx.run`: events and pulls need no turns. */
  readonly isLoose: boolean
  /** ms that the function may take to call `ctx.run` for a stored outcome while something waits behind it. */
  readonly patience: number
  /** Fires when the stream is closed or aborted. */
  readonly signal: () => AbortSignal
  /** The function may leave out steps while it replays. */
  readonly isLenient: () => boolean
  /** The function has not called `ctx.run` for it in time. True: it is skipped. */
  readonly onMissing: (stored: Stored) => boolean
  /** It has no place in the order any more. */
  readonly onSkipped: (stored: Stored) => void
}

export class DeliveryQueue<Stored extends StoredDelivery> {
  readonly isLoose: boolean
  /** Events that the function has asked for and that have not arrived. */
  awaited = 0
  /** Steps that the function has called and that are not delivered. */
  inFlight = 0
  /** The generator was asked for a result and has not yielded it yet. */
  isAtWork = false
  private readonly options: DeliveryQueueOptions<Stored>
  private readonly stored: readonly Stored[]
  /** Index of the next stored outcome. */
  private at = 0
  /** Stored outcomes that the function waits for. */
  private requested = 0
  private readonly lastStored: Position
  private arrivals: Delivery[] = []
  private events = 0
  private pulls = 0
  private inTurn = false
  private isOver = false
  private timer: NodeJS.Timeout | undefined
  private readonly endTurn = (): void => {
    this.inTurn = false
    this.advance()
  }
  private readonly drained = (): void => process.nextTick(this.endTurn)
  private readonly release = (): void => this.skipTo(this.stored.length)

  constructor(options: DeliveryQueueOptions<Stored>) {
    this.options = options
    this.stored = options.stored
    this.isLoose = options.isLoose
    this.lastStored = this.stored.reduce((last, { position }) => position ?? last, FIRST)
  }

  /** The code that runs follows from a delivery, so it runs at the same point of a replay. */
  get isTurn(): boolean {
    return this.inTurn || this.isLoose
  }

  /** Begins a turn, unless one is in progress. */
  begin(): void {
    if (this.inTurn) return
    this.inTurn = true
    // From a microtask, because a tick that is scheduled by another callback would run before the microtasks.
    queueMicrotask(this.drained)
  }

  add(delivery: Delivery): void {
    if (this.isOver) return this.afterEnd(delivery)
    this.arrivals.push(delivery)
    this.advance()
  }

  /** Whether the function may go on at once behind its `yield`: it has nothing else in progress, so no order can change. */
  pullsNow(): boolean {
    const next = this.stored[this.at]
    if (this.inFlight > 0 || this.arrivals.length > 0 || (next !== undefined && !this.isBefore(PULL, next))) return false
    this.pulls++
    this.isAtWork = true
    this.begin()
    return true
  }

  /** The function waits for this stored outcome. */
  request(stored: Stored): void {
    if (this.stored.indexOf(stored, this.at) < 0) return this.add(stored)
    this.requested++
    this.advance()
  }

  /** An outcome in the queue has become ready. */
  advance(): void {
    if (this.inTurn || this.isOver) return
    const delivery = this.take()
    if (delivery === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.begin()
    if (delivery.kind === Kind.Event) this.events++
    else if (delivery.kind === Kind.Pull) {
      this.pulls++
      this.isAtWork = true
    }
    delivery.deliver()
  }

  /** Where an outcome that is added now is going to be delivered. */
  position(): Position {
    const last = this.at < this.stored.length ? this.lastStored : FIRST
    const waiting = (kind: number): number => this.arrivals.reduce((sum, arrival) => sum + (arrival.kind === kind ? 1 : 0), 0)
    return {
      events: Math.max(this.events + waiting(Kind.Event), last.events),
      pulls: Math.max(this.pulls + waiting(Kind.Pull), last.pulls),
    }
  }

  /** A state is saved: positions count from here. A function that begins with it is asked for a result first. */
  rebase(): void {
    this.events = 0
    this.pulls = 1
  }

  /** The function has ended: nothing of it goes on, and whoever still asks for results meets the end. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.timer)
    const { arrivals } = this
    this.arrivals = []
    for (const arrival of arrivals) this.afterEnd(arrival)
  }

  private afterEnd(delivery: Delivery): void {
    if (delivery.kind === Kind.Pull) delivery.deliver()
  }

  private take(): Delivery | undefined {
    const next = this.stored[this.at]
    if (next === undefined) return this.arrivals[0]?.isReady === true ? this.arrivals.shift() : undefined
    const isDue = this.isDue(next)
    if (isDue && next.isReady) {
      this.at++
      this.requested--
      return next
    }
    const allowed = this.arrivals.findIndex((arrival) => this.isBefore(arrival, next))
    if (allowed >= 0) return this.arrivals.splice(allowed, 1)[0]
    if (!this.isStuck(isDue)) return undefined
    if (this.options.isLenient()) {
      this.at++
      this.options.onSkipped(next)
      return this.take()
    }
    this.watch()
    return undefined
  }

  private isDue({ position }: StoredDelivery): boolean {
    return position === undefined || (position.events <= this.events && position.pulls <= this.pulls)
  }

  /** Whether an arrival comes before the next stored outcome. */
  private isBefore({ kind }: Pick<Delivery, 'kind'>, { position }: StoredDelivery): boolean {
    if (kind === Kind.Outcome) return false
    if (position === undefined) return true
    return kind === Kind.Event ? this.events < position.events : this.pulls < position.pulls
  }

  /** Something waits behind the next stored outcome, and neither an event on its way nor a reader can change that. */
  private isStuck(isDue: boolean): boolean {
    if (this.arrivals.length === 0 && this.requested === 0) return false
    if (isDue) return true
    return this.awaited === 0 && (this.isAtWork || this.arrivals.some(({ kind }) => kind === Kind.Pull))
  }

  private watch(): void {
    if (this.timer !== undefined) return
    const signal = this.options.signal()
    if (signal.aborted) return this.release()
    signal.addEventListener('abort', this.release, { once: true })
    this.timer = setTimeout(() => {
      this.timer = undefined
      const missing = this.stored[this.at]
      if (missing !== undefined && this.options.onMissing(missing)) this.skipTo(this.at + 1)
    }, this.options.patience)
  }

  /** Stored outcomes before this index keep no place any more; those that the function waits for come as they are. */
  private skipTo(index: number): void {
    const skipped = this.stored.slice(this.at, index)
    this.at = Math.max(this.at, index)
    for (const one of skipped) {
      this.options.onSkipped(one)
      if (!one.isReady) continue
      this.requested--
      this.arrivals.push(one)
    }
    // Not at once: an abort is no place to run the function.
    this.begin()
  }
}
