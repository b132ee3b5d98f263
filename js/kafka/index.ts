// js/kafka: topics in and out, in order and exactly once, on the user's client (kafkajs). Knows nothing of other adapters.

export type { MessageCodec } from '../kit/payload-codec.js'
export type { KafkaLike } from './client/kafka-like.js'
export { type KafkaSessions, type KafkaSessionsMetrics, type KafkaSessionsOptions, kafkaSessions } from './keyed/kafka-sessions.js'
export { type KafkaSinkOptions, kafkaSink } from './sink/kafka-sink.js'
export { type KafkaSource, kafkaSource } from './source/kafka-source.js'
export type { KafkaEntry, KafkaSourceOptions } from './source/options.js'
