// What becomes of a stream whose thread was lost, where it may be opened anew.

import type { DuctWriter } from '../wire/duct-writer.js'
import type { Tally } from '../wire/tally.js'
import type { Feeder } from './feeder.js'

/** How often a stream is opened anew without taking an event. */
const FUTILE = 3

export class Reopening {
  /** The function had stopped reading, and the source is gone. */
  gaveBack = false
  private futile = 0

  /** A thread was lost: not without a source, nor for ever for a function that takes its threads down before it takes an event. */
  mayReopen(tally: Tally): boolean {
    this.futile = tally.taken(tally.first) > 0 ? 0 : this.futile + 1
    return !this.gaveBack && this.futile <= FUTILE
  }
}

/** Sends what was not taken, and what the source threw in its place among it. */
export function sendAgain(writer: DuctWriter, untaken: readonly unknown[], feeder: Feeder | null): void {
  for (const [index, event] of untaken.entries()) {
    feeder?.throwAgain(writer, index)
    writer.add(event)
  }
  feeder?.throwAgain(writer, untaken.length)
}
