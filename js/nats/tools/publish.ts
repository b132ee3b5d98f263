// js/nats/tools: single steps on streams, for whoever runs no function. Knows nothing of sources.
//
// Events into a stream, from anywhere in a service.

import { type NatsLike, type NatsMessageLike, wireOf } from '../client/wire.js'
import { Composer, type MessageOptions, messageOptions } from '../sink/nats-sink.js'
import { Publisher } from '../sink/publisher.js'
import { subjectOf } from '../source/options.js'

/** Options of `publish`. */
export type PublishOptions<Value = unknown> = MessageOptions<Value>

/** Stores one event, or many in their order (an array is many), each once however often connections are cut. Resolves with its sequence in the stream, or theirs. */
export function publish<Value>(
  connection: NatsLike,
  subject: string,
  events: readonly Value[],
  options?: PublishOptions<Value>,
): Promise<number[]>
export function publish<Value>(connection: NatsLike, subject: string, event: Value, options?: PublishOptions<Value>): Promise<number>
export async function publish(
  connection: NatsLike,
  subject: string,
  events: unknown,
  options: PublishOptions = {},
): Promise<number | number[]> {
  const field = 'publish(connection, subject, event, options)'
  subjectOf(subject, 'publish(connection, subject)')
  const composer = new Composer(messageOptions(options, field), field)
  const many: readonly unknown[] = Array.isArray(events) ? events : [events]
  const publisher = new Publisher(wireOf(connection, 'publish(connection)', options.domain))
  try {
    const answers = await publisher.publish(many.map((event) => composer.compose(subject, event)))
    return Array.isArray(events) ? answers.map(sequence) : sequence(answers[0] as NatsMessageLike)
  } finally {
    publisher.end()
  }
}

function sequence({ data }: NatsMessageLike): number {
  return (JSON.parse(Buffer.from(data).toString()) as { seq: number }).seq
}
