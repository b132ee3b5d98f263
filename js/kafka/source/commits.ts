// What the group keeps of how far partitions are done: one request at a time, with all that came meanwhile.

import { adapterError, isGivenUp, isRebalanced, typeOf } from '../client/faults.js'
import type { ConsumerLike, TopicPartitionOffset } from '../client/kafka-like.js'

/** ms before it is tried again, at first and at most. */
const PAUSE = 20
const LONGEST_PAUSE = 1000
/** No repeating mends these. */
const FINAL = [
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'OFFSET_METADATA_TOO_LARGE',
  'INVALID_GROUP_ID',
  'SASL_AUTHENTICATION_FAILED',
]

export class Commits {
  readonly #consumer: ConsumerLike
  readonly #givenUp: () => void
  /** How many requests the broker has answered well. */
  #kept = 0
  #due = new Map<string, TopicPartitionOffset>()
  /** The request under way, and the one after it, which takes what comes. */
  #last: Promise<unknown> = Promise.resolve()
  #next: Promise<void> | undefined

  /** `givenUp` is called where nothing is kept before the consumer has joined its group anew. */
  constructor(consumer: ConsumerLike, givenUp: () => void) {
    this.#consumer = consumer
    this.#givenUp = givenUp
    consumer.on(consumer.events.COMMIT_OFFSETS, () => this.#kept++)
  }

  /** Resolves when it is kept, or nobody wants it any more: `isWanted` is asked before each try. Rejects with `VELO_ADAPTER` for what the broker refuses for good. */
  async keep(offset: TopicPartitionOffset, isWanted: () => boolean): Promise<void> {
    for (let pause = PAUSE; isWanted(); pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      this.#due.set(`${offset.partition}/${offset.topic}`, offset)
      this.#next ??= this.#commit()
      try {
        await this.#next
        return
      } catch (error) {
        if (FINAL.includes(typeOf(error) ?? '')) throw adapterError(`commit of ${offset.topic}/${offset.partition}`, error)
        if (isGivenUp(error)) this.#givenUp()
        // In a rebalance it is known soon whether the partition is still here.
        await new Promise((resolve) => setTimeout(resolve, isRebalanced(error) ? PAUSE : pause))
      }
    }
  }

  #commit(): Promise<void> {
    const turn = this.#last.then(async () => {
      const offsets = [...this.#due.values()]
      this.#due = new Map()
      this.#next = undefined
      const before = this.#kept
      await this.#consumer.commitOffsets(offsets)
      // A consumer that has stopped says nothing, and has done nothing.
      if (this.#kept === before) throw new Error('the consumer is not running')
    })
    this.#last = turn.catch(() => {})
    return turn
  }
}
