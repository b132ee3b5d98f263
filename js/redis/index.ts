// js/redis: streams of Redis and Valkey as sources and sinks, `velo-stream/redis`. The client is the user's. Knows nothing of which events are done.

export type { EntryCodec } from './client/codec.js'
export type { IoredisLike, NodeRedisLike, RedisClient } from './client/wire.js'
export { type ClusterAdmin, type ClusterAdminOptions, clusterAdmin } from './cluster/admin/admin.js'
export type { ServerFacts } from './cluster/admin/server-facts.js'
export type { BehindSession, ClusterSession, ClusterWorker, DeadLetter, DeadSession } from './cluster/admin/shown.js'
export { type Cluster, type ClusterFunctions, type ClusterOptions, cluster, type WorkOptions } from './cluster/cluster.js'
export { RedisJournal, type RedisJournalOptions } from './session/redis-journal.js'
export type { MaxLength } from './sink/appender.js'
export type { MaterializeOptions } from './sink/materialize.js'
export { materialize } from './sink/materialize.js'
export type { RedisSinkOptions } from './sink/redis-sink.js'
export { redisSink } from './sink/redis-sink.js'
export type { RedisEntry, RedisSourceOptions } from './source/options.js'
export type { RedisSource } from './source/redis-source.js'
export { redisSource } from './source/redis-source.js'
export { pauseGroup, type ReplayOptions, replayDeadLetters, resumeGroup } from './tools/operating.js'
export type { PublishOptions } from './tools/publish.js'
export { publish } from './tools/publish.js'
export type {
  ConsumeOnceOptions,
  ReclaimOptions,
  RedisGroupInfo,
  RedisStreamInfo,
  TrimOptions,
} from './tools/streams.js'
export { ack, consumeOnce, reclaim, streamInfo, trim } from './tools/streams.js'
