// Feeds a source, or the stage before, to a function on another thread: pulls as far as there are credits, and no further.

import type { Row } from '../../engine/border/row.js'
import { SyncInlet } from '../../engine/channels/sync-inlet.js'
import type { DuctWriter } from '../wire/duct-writer.js'
import { Control, type Thrown } from '../wire/protocol.js'
import type { SentErrors } from './sent-errors.js'

/** Whoever reads the results: in lockstep events are pulled only while a result is waited for. */
export interface Wanting {
  /** Events may be pulled. */
  readonly isWanted: boolean
  /** The same after a look at what has arrived: a function tells what it asks for next right after its result. */
  isStillWanted(): boolean
}

export class Feeder {
  private readonly wanting: Wanting
  private readonly row: Row
  private readonly events: AsyncIterator<unknown>
  private writer: DuctWriter
  private readonly errors: SentErrors
  /** Its events are those of the stream: they are counted. */
  private readonly head: boolean
  /** The function asks for each event along with its results, and has asked. */
  private asksAlong = false
  private isAsked = true
  private pulling = false
  private stopped = false
  /** The end of the events was told. */
  private ended = false
  /** What the source threw. */
  private thrown: Thrown | undefined
  /** After how many events that was. */
  private thrownAt = 0
  private readonly arrived = (result: IteratorResult<unknown>): void => {
    this.pulling = false
    if (this.put(result)) this.go()
  }
  private readonly failed = (error: unknown): void => {
    this.pulling = false
    this.fail(error)
    this.go()
  }

  constructor(wanting: Wanting, row: Row, events: AsyncIterator<unknown>, writer: DuctWriter, errors: SentErrors, head: boolean) {
    this.wanting = wanting
    this.row = row
    this.events = events
    this.writer = writer
    this.errors = errors
    this.head = head
  }

  /** There may be credits. */
  go(): void {
    const { writer, events } = this
    while (!this.pulling && !this.stopped && this.mayPull(writer)) {
      if (events instanceof SyncInlet) {
        try {
          const result = events.pull()
          if (result instanceof Promise) this.wait(result)
          else if (!this.put(result)) return
        } catch (error) {
          this.fail(error)
        }
      } else {
        this.wait(events.next())
      }
    }
  }

  private mayPull(writer: DuctWriter): boolean {
    return this.isAsked && this.wanting.isWanted && (writer.credits > 0 || writer.refill()) && this.wanting.isStillWanted()
  }

  /** The function waits for an event. */
  asked(): void {
    this.isAsked = true
  }

  /** A function gets what comes from now on; `asksAlong`: it asks for each event. */
  feed(asksAlong: boolean): void {
    this.asksAlong = asksAlong
    this.isAsked = !asksAlong
  }

  /** Another function gets what comes from now on. */
  redirect(writer: DuctWriter): void {
    this.writer = writer
    if (this.ended) writer.control(Control.End)
  }

  /** Of the events sent so far `taken` were taken: numbers begin there from now on. */
  rebase(taken: number): void {
    this.thrownAt -= taken
  }

  /** What the source threw after `sent` events is told again. */
  throwAgain(writer: DuctWriter, sent: number): void {
    if (this.thrown !== undefined && this.thrownAt === sent) writer.control(Control.Fail, this.thrown)
  }

  /** It will ask its source as soon as it hears of credits: they may be under way. */
  get isAboutToPull(): boolean {
    return !this.pulling && !this.stopped
  }

  /** Nothing further is sent. */
  stop(): void {
    this.stopped = true
  }

  private wait(next: Promise<IteratorResult<unknown>>): void {
    this.pulling = true
    next.then(this.arrived, this.failed)
  }

  /** False at the end. */
  private put(result: IteratorResult<unknown>): boolean {
    if (result.done === true) {
      if (!this.stopped) this.writer.control(Control.End)
      this.stopped = this.ended = true
      return false
    }
    if (this.stopped) {
      if (this.head) this.row.accept() // it came after the end, and is dropped
      return false
    }
    try {
      this.writer.add(result.value)
    } catch (error) {
      this.fail(error)
      return true
    }
    this.isAsked = !this.asksAlong
    if (this.head) this.row.accept()
    return true
  }

  /** Thrown into the function at its next pull. */
  private fail(error: unknown): void {
    if (this.stopped) return
    this.thrown = this.errors.send(error)
    this.thrownAt = this.writer.sent
    this.writer.control(Control.Fail, this.thrown)
  }
}
