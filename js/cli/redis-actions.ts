// `velo cluster ...` and `velo consume pause|resume|replay`: from the words of the command line to what they do, which is loaded when it is needed.

import { flag, integer, type Parsed, text, texts } from './arguments.js'
import { UsageError } from './failure.js'

type Action = (args: readonly string[], options: Parsed) => Promise<number>

const overRedis = () => import('./over-redis.js')

export const redisActions: Readonly<Record<string, Action>> = {
  'cluster ls': async (_, options) => (await overRedis()).ls(clusterOf(options), text(options, 'function'), flag(options, 'json')),
  'cluster behind': async (_, options) =>
    (await overRedis()).behind(
      clusterOf(options),
      text(options, 'function'),
      integer(options, 'stuck', 0, 86_400_000, 0),
      flag(options, 'json'),
    ),
  'cluster show': async ([id = ''], options) =>
    (await overRedis()).show(clusterOf(options), id, text(options, 'function'), flag(options, 'json')),
  'cluster dead': async ([id = ''], options) =>
    (await overRedis()).dead(clusterOf(options), id, text(options, 'function'), flag(options, 'json')),
  'cluster replay': async ([id = ''], options) =>
    (await overRedis()).replay(clusterOf(options), id, text(options, 'function'), flag(options, 'json')),
  'cluster reset': async ([id = ''], options) =>
    (await overRedis()).reset(clusterOf(options), id, text(options, 'function'), flag(options, 'json')),
  'cluster pause': async (_, options) => (await overRedis()).pause(clusterOf(options), text(options, 'function'), flag(options, 'json')),
  'cluster resume': async (_, options) => (await overRedis()).resume(clusterOf(options), text(options, 'function'), flag(options, 'json')),
  'cluster drain': async ([worker = ''], options) =>
    (await overRedis()).drain(clusterOf(options), worker, timeoutOf(options), flag(options, 'json')),
  'cluster undrain': async ([worker = ''], options) => (await overRedis()).undrain(clusterOf(options), worker, flag(options, 'json')),
  'cluster move': async ([id = ''], options) => {
    const [name, to] = [text(options, 'function'), text(options, 'to')]
    return (await overRedis()).move(clusterOf(options), id, name, to, timeoutOf(options), flag(options, 'json'))
  },
  'consume pause': async (_, options) => (await overRedis()).pauseGroups(groupOf(options, 'pause'), flag(options, 'json')),
  'consume resume': async (_, options) => (await overRedis()).resumeGroups(groupOf(options, 'resume'), flag(options, 'json')),
  'consume replay': async (_, options) => {
    const count = integer(options, 'count', 1, 2 ** 40, undefined)
    const [redis, deadLetter] = [needed(options, 'redis', 'replay'), needed(options, 'dead-letter', 'replay')]
    return (await overRedis()).replayed({ redis, deadLetter, group: text(options, 'group'), count }, flag(options, 'json'))
  },
}

/** Which cluster the options mean. */
function clusterOf(given: Parsed): { redis: string; prefix: string } {
  const redis = text(given, 'redis')
  if (redis === undefined) throw new UsageError('cluster needs --redis')
  return { redis, prefix: text(given, 'prefix') ?? 'velo' }
}

const timeoutOf = (given: Parsed): number => integer(given, 'timeout', 0, 86_400_000, 30_000)

function groupOf(given: Parsed, command: string): { redis: string; streams: readonly string[]; group: string } {
  const streams = texts(given, 'stream')
  if (streams.length === 0) throw new UsageError(`consume ${command} needs --stream`)
  return { redis: needed(given, 'redis', command), streams, group: needed(given, 'group', command) }
}

function needed(given: Parsed, name: string, command: string): string {
  const value = text(given, name)
  if (value === undefined) throw new UsageError(`consume ${command} needs --${name}`)
  return value
}
