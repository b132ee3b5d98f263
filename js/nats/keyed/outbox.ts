// Events on their way into the stream, in the order in which they were sent: what is sent while others are on their way goes with the next ones, so that nobody waits for the answers to all before. Knows nothing
// of keys.

import { VeloError } from '../../index.js'
import { Refusal } from '../client/faults.js'
import type { NatsMessageLike } from '../client/wire.js'
import type { Outgoing, Publisher } from '../sink/publisher.js'

/** What was sent at once, and whoever waits for it. */
interface Letter {
  readonly messages: readonly Outgoing[]
  resolve(answers: NatsMessageLike[]): void
  reject(error: unknown): void
}

/** Letters that go together at most. */
const MOST = 512

export class Outbox {
  readonly #publisher: Publisher
  readonly #ready: () => Promise<void>
  #line: Letter[] = []
  #running: Promise<void> | undefined

  /** `ready` resolves when there is a stream. */
  constructor(publisher: Publisher, ready: () => Promise<void>) {
    this.#publisher = publisher
    this.#ready = ready
  }

  /** Resolves with what the stream said of each, and rejects as a publisher does. */
  send(messages: readonly Outgoing[]): Promise<NatsMessageLike[]> {
    return new Promise((resolve, reject) => {
      this.#line.push({ messages, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Settles when nothing is on its way any more. */
  async end(): Promise<void> {
    await this.#running
    this.#publisher.end()
  }

  async #run(): Promise<void> {
    await undefined
    while (this.#line.length > 0) await this.#publish(this.#line.splice(0, MOST))
    this.#running = undefined
  }

  async #publish(letters: readonly Letter[]): Promise<void> {
    try {
      await this.#ready()
      const answers = await this.#publisher.publish(letters.flatMap(({ messages }) => messages))
      let at = 0
      for (const { messages, resolve } of letters) resolve(answers.slice(at, (at += messages.length)))
    } catch (error) {
      // Whatever the stream refuses of one is none of the others': what it has already it knows by its id.
      if (letters.length > 1 && isOfOne(error)) for (const letter of letters) await this.#publish([letter])
      else for (const { reject } of letters) reject(error)
    }
  }
}

function isOfOne(error: unknown): boolean {
  return error instanceof VeloError && (error.code === 'VELO_CODEC' || error.cause instanceof Refusal)
}
