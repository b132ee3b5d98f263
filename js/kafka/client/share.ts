// A partition as sinks see it, which store results and say how far it is done in one step.

/** Key of the property of a part of `kafkaSource` that is its partition. */
export const SHARE: unique symbol = Symbol('velo-stream.kafka.share') as never

export interface Share {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** The offset of the first event that is not among the `upTo` first ones: what is committed once those are done. */
  offsetAt(upTo: number): string
  /** Messages before it are done, whoever did them: called before anything was read. */
  startAt(offset: string): void
  /** The `upTo` first events are done, and that is kept. */
  kept(upTo: number): void
  /** The broker says that somebody else has it, which the group will say, too. */
  taken(): void
}
