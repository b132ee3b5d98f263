// js/nats: streams of NATS JetStream as sources and sinks, `velo-stream/nats`. The connection is the user's. Knows nothing of which events are done.

export type { MessageCodec } from '../kit/payload-codec.js'
export type { NatsHeadersLike, NatsLike, NatsMessageLike } from './client/wire.js'
export { type NatsSessions, type NatsSessionsMetrics, type NatsSessionsOptions, natsSessions } from './keyed/nats-sessions.js'
export { NatsJournal, type NatsJournalOptions } from './session/nats-journal.js'
export type { MessageOptions, NatsSinkOptions } from './sink/nats-sink.js'
export { natsSink } from './sink/nats-sink.js'
export type { NatsSource } from './source/nats-source.js'
export { natsSource } from './source/nats-source.js'
export type { NatsEntry, NatsSourceOptions } from './source/options.js'
export type { PublishOptions } from './tools/publish.js'
export { publish } from './tools/publish.js'
