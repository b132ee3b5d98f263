// The harness of a durable stream on the thread that opened it, and what takes it to others.

import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Departure, Harness, Isolation, StageLoss, StagePlace } from '../../engine/stages/harness.js'
import type { StreamGenerator } from '../../kit/types.js'
import { encodeThrown } from '../../workers/codec/late-record.js'
import type { Answered, Arrival, Told } from '../harness/arrive.js'
import type { HarnessData, HarnessLink } from '../harness/data.js'
import { Hosted } from '../harness/hosted.js'
import { wrapped } from '../harness/wrapper.js'

/** The life that the harness belongs to. */
export interface CallerHarnessOwner extends HarnessLink {
  /** It may not share its threads with other streams. */
  readonly isolation: Isolation | undefined
  readonly isTraced: boolean
  lost(loss: StageLoss): void
}

const MODULE = new URL('../harness/arrive.js', import.meta.url).href

export class CallerHarness implements Harness {
  /** Set before the function starts. */
  data: HarnessData | undefined
  private readonly link: CallerHarnessOwner
  private hosted: Hosted | undefined
  private readonly ports = new Set<MessagePort>()
  private isCaughtUp = false

  constructor(link: CallerHarnessOwner) {
    this.link = link
  }

  wrap(fn: StreamGenerator<never, unknown>, place: StagePlace): StreamGenerator<never, unknown> {
    this.hosted ??= new Hosted(this.data as HarnessData, this.link)
    return wrapped(fn, place, this.hosted)
  }

  departure(): Departure {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', (told: Told) => this.heard(port1, told))
    // Whoever waits until it is through with what was kept keeps the process alive; what it does later does not.
    if (this.isCaughtUp) port1.unref()
    this.ports.add(port1)
    const data: Arrival = { data: this.data as HarnessData, port: port2 }
    return { module: MODULE, data, transfer: [port2], isTraced: this.link.isTraced }
  }

  get isolation(): Isolation | undefined {
    return this.link.isolation
  }

  /** The functions have taken what was kept. */
  caughtUp(): void {
    this.isCaughtUp = true
    for (const port of this.ports) port.unref()
  }

  lost(loss: StageLoss): void {
    this.link.lost(loss)
  }

  /** Handles messages that were posted before the function ended: its end travels by another way, and may be faster. */
  receiveAll(): void {
    for (const port of this.ports)
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) this.heard(port, next.message)
  }

  /** There is no room for events: a state makes some. */
  urge(): void {
    this.hosted?.urge()
    const urged: Answered = { number: undefined, error: undefined }
    for (const port of this.ports) port.postMessage(urged)
  }

  /** The stream is over: what its functions may still say concerns nobody. */
  close(): void {
    for (const port of this.ports) port.close()
    this.ports.clear()
  }

  private heard(port: MessagePort, told: Told): void {
    if (told.kind === 'checkpoint') return this.link.checkpoint(told.checkpoint)
    if (told.kind === 'caught up') return this.link.caughtUp()
    if (told.kind === 'diverged') return this.link.diverged(told.why)
    if (told.kind === 'replayed') return this.link.replayed()
    const answer = (error: string | undefined): void => {
      const answered: Answered = { number: told.number, error }
      port.postMessage(answered)
    }
    this.link.keep(told.asked, told.bytes).then(
      () => answer(undefined),
      (error) => answer(encodeThrown(error)),
    )
  }
}
