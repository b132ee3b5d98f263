// What users can import, name by name. A change here is a change of the public contract: it needs a line in the changelog.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as velo from 'velo-stream'
import { text } from '../support/sources.mjs'

const members = (object) => Object.getOwnPropertyNames(object).filter((name) => name !== 'constructor')

const nothing = velo.streamFn(async function* nothing() {})

test('the root exports these values and no others', () => {
  assert.deepEqual(Object.keys(velo).sort(), [
    'AbortError',
    'AdapterError',
    'ClosedError',
    'OverloadedError',
    'TimeoutError',
    'VeloError',
    'consume',
    'runtime',
    'streamFn',
  ])
})

test('the root exports these types and no others', () => {
  const types = [...text('js/index.ts').matchAll(/export type \{([^}]*)\}/g)].flatMap(([, list]) => list.split(','))
  assert.deepEqual(
    types
      .map((name) => name.trim())
      .filter(Boolean)
      .sort(),
    [
      'AckSource',
      'CallOptions',
      'Clock',
      'Codec',
      'ConsumeOptions',
      'Consumed',
      'DrainOptions',
      'Durable',
      'EffectOptions',
      'EndReason',
      'ExposeOptions',
      'Exposed',
      'FunctionMetrics',
      'FunctionOptions',
      'InspectOptions',
      'Joined',
      'JournalMetrics',
      'LatencyQuantiles',
      'Log',
      'LogFields',
      'OpenOptions',
      'Part',
      'PartedSource',
      'Position',
      'RecoverOptions',
      'Recovered',
      'RecvOptions',
      'Resumed',
      'RetryOptions',
      'RunOptions',
      'RuntimeOptions',
      'SignalOption',
      'Sink',
      'Snapshot',
      'Source',
      'SourceFrom',
      'StageMetrics',
      'StateOptions',
      'StatefulGenerator',
      'Stream',
      'StreamContext',
      'StreamEnd',
      'StreamFunction',
      'StreamGenerator',
      'StreamHeaders',
      'StreamInspection',
      'StreamMetrics',
      'StreamOptions',
      'StreamState',
      'StuckStream',
      'UnfinishedStream',
      'ValueIterator',
      'VeloErrorCode',
      'VeloErrorOptions',
      'WaitingFor',
      'WebSource',
      'WorkerSnapshot',
      'WorkersOptions',
    ],
  )
})

test('the package has these entry points and no others', () => {
  assert.deepEqual(Object.keys(JSON.parse(text('package.json')).exports), [
    '.',
    './operators',
    './durable',
    './testing',
    './http',
    './fastify',
    './websocket',
    './server',
    './telemetry',
    './dashboard',
    './client',
    './redis',
    './nats',
    './kafka',
    './package.json',
  ])
})

const subpaths = {
  durable: 'EmbeddedJournal Inspector durable journal keptValue',
  operators: 'batch broadcast chunk filter flatMap keyed map merge progress progressBar route scan shard skip take tap window zip',
  testing: 'collect controlledSource slowConsumer virtualClock',
  http: 'HttpError eventsFrom handler respond stop toResponse',
  fastify: 'default',
  websocket: 'serveSocket',
  server: 'createServer',
  telemetry: 'abortStream instrument listStreams metricsInto metricsText metricsType overview streamDetail viewAnswer',
  redis:
    'RedisJournal ack cluster clusterAdmin consumeOnce materialize pauseGroup publish reclaim redisSink redisSource replayDeadLetters resumeGroup streamInfo trim',
  nats: 'NatsJournal natsSessions natsSink natsSource publish',
  kafka: 'kafkaSessions kafkaSink kafkaSource',
  dashboard: 'dashboard',
  client: 'AbortError ClosedError OverloadedError TimeoutError VeloError connect subscribe',
}

for (const [name, values] of Object.entries(subpaths)) {
  test(`velo-stream/${name} exports these values and no others, by import and by require()`, async () => {
    const module = await import(`velo-stream/${name}`)
    assert.deepEqual(Object.keys(module).sort(), values.split(' ').sort())
    const required = createRequire(import.meta.url)(`velo-stream/${name}`)
    for (const value of values.split(' ')) assert.equal(required[value], module[value], value)
  })
}

test('require() gives the same module as import', () => {
  const required = createRequire(import.meta.url)('velo-stream')
  assert.equal(required.streamFn, velo.streamFn)
  assert.deepEqual(
    Object.keys(required)
      .filter((name) => name !== '__esModule')
      .sort(),
    Object.keys(velo).sort(),
  )
})

test('a stream function has these members', () => {
  assert.equal(typeof nothing, 'function')
  assert.deepEqual(
    members(nothing)
      .filter((name) => name !== 'length' && name !== 'prototype')
      .sort(),
    ['discard', 'metrics', 'name', 'open', 'pipe', 'run', 'unfinished', 'with'],
  )
})

test('a stream has these members', async () => {
  const stream = nothing.open()
  assert.deepEqual(members(Object.getPrototypeOf(stream)).sort(), [
    'abort',
    'ack',
    'close',
    'closed',
    'end',
    'feed',
    'id',
    'metrics',
    'position',
    'recv',
    'recvBatch',
    'resumed',
    'send',
    'sendBatch',
    'state',
    'toDuplex',
    'toWeb',
    'trySend',
  ])
  assert.deepEqual(members(stream), [])
  assert.equal(typeof stream[Symbol.asyncIterator], 'function')
  await stream.close()
})

test('the runtime has these members', () => {
  assert.deepEqual(Object.keys(velo.runtime).sort(), ['configure', 'drain', 'expose', 'inspect', 'recover', 'snapshot', 'warm'])
})

test('each error is a VeloError and an Error, and says its name', () => {
  for (const name of ['AbortError', 'ClosedError', 'OverloadedError', 'TimeoutError']) {
    assert.ok(velo[name].prototype instanceof velo.VeloError, name)
    assert.ok(velo[name].prototype instanceof Error, name)
    assert.equal(velo[name].prototype.name, name)
  }
})
