// The harness on a worker thread: loaded there by its address. What is to be kept goes to the caller's thread by a port.

import type { MessagePort } from 'node:worker_threads'
import type { Arrive } from '../../engine/stages/harness.js'
import { ClosedError } from '../../kit/errors.js'
import { decodeThrown } from '../../workers/codec/late-record.js'
import type { Checkpoint } from '../journal.js'
import type { HarnessData, HarnessLink } from './data.js'
import { Hosted } from './hosted.js'
import { wrapped } from './wrapper.js'

/** What travels with the opening of a segment. */
export interface Arrival {
  readonly data: HarnessData
  readonly port: MessagePort
}

/** To the caller's thread. */
export type Told =
  | { readonly kind: 'keep'; readonly number: number; readonly asked: number; readonly bytes: Uint8Array }
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'caught up' }
  | { readonly kind: 'diverged'; readonly why: string }
  | { readonly kind: 'replayed' }

/** Back: the outcome with that number is kept, or is not; without a number: the state is to be saved soon. */
export interface Answered {
  readonly number: number | undefined
  readonly error: string | undefined
}

export const arrive: Arrive = (arrival) => {
  const { data, port } = arrival as Arrival
  const link = new PortLink(port)
  const hosted = new Hosted(data, link)
  link.onUrge = () => hosted.urge()
  return { wrap: (fn, place) => wrapped(fn, place, hosted) }
}

class PortLink implements HarnessLink {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  onUrge: () => void = () => {}
  #number = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', ({ number, error }: Answered) => {
      if (number === undefined) return this.onUrge()
      const waiting = this.#waiting.get(number)
      this.#waiting.delete(number)
      if (error === undefined) waiting?.resolve()
      else waiting?.reject(decodeThrown(error) as Error)
    })
    port.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new ClosedError('VELO_CLOSED', 'the stream is closed', { reason: 'closed' }))
      this.#waiting.clear()
    })
    port.unref()
  }

  keep(asked: number, bytes: Uint8Array): Promise<void> {
    const number = ++this.#number
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
      this.#tell({ kind: 'keep', number, asked, bytes })
    })
  }

  checkpoint(checkpoint: Checkpoint): void {
    this.#tell({ kind: 'checkpoint', checkpoint })
  }

  caughtUp(): void {
    this.#tell({ kind: 'caught up' })
  }

  diverged(why: string): void {
    this.#tell({ kind: 'diverged', why })
  }

  replayed(): void {
    this.#tell({ kind: 'replayed' })
  }

  #tell(told: Told): void {
    this.#port.postMessage(told)
  }
}
