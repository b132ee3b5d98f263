// Events on their way to a function whose thread may die: held until they are taken, so that another one can get them. At most `buffer` of them are.

import { Queue } from '../../kit/queue.js'
import type { Tally } from './tally.js'

export class Unacknowledged {
  private readonly events = new Queue<unknown>()
  private readonly tally: Tally

  constructor(tally: Tally) {
    this.tally = tally
  }

  /** An event is sent, after `sent` others. */
  add(event: unknown, sent: number): void {
    this.trim(sent)
    this.events.push(event)
  }

  /** What was never taken, of `sent` events; it is held no longer. */
  untaken(sent: number): unknown[] {
    this.trim(sent)
    const events: unknown[] = []
    while (this.events.length > 0) events.push(this.events.shift())
    return events
  }

  private trim(sent: number): void {
    const under = sent - this.tally.taken(this.tally.first)
    while (this.events.length > Math.max(0, under)) this.events.shift()
  }
}
