// What `velo cluster` and `velo consume pause|resume|replay` take, for its help and for whoever reads its words.

import type { Command, OptionText } from './command.js'

const REDIS: OptionText = { value: 'url', says: 'Server: redis://127.0.0.1:6379' }
const PREFIX: OptionText = { value: 'name', says: 'Prefix of the cluster (default: velo)' }
const TIMEOUT: OptionText = { value: 'ms', says: 'How long to wait until it is done (default: 30000)' }
const WHICH: OptionText = { value: 'name', says: 'The one of this function: needed where it is over, or several have this id' }
const DEAD: OptionText = { value: 'name', says: 'The one of this function: needed if several have this id' }
const ONE: OptionText = { value: 'name', says: 'Sessions of this function (default: of all)' }
const STREAM: OptionText = { value: 'name', says: 'Stream of the group; may be repeated' }
const GROUP: OptionText = { value: 'name', says: 'The consumer group' }
const JSON_LINES: OptionText = { says: 'Answer as lines of JSON' }

export const clusterCommands: Readonly<Record<string, Command>> = {
  'cluster ls': {
    args: [],
    says: 'List the workers and sessions that processes share over Redis or Valkey',
    options: { redis: REDIS, prefix: PREFIX, function: { value: 'name', says: 'Only sessions of this function' }, json: JSON_LINES },
    examples: ['velo cluster ls --redis redis://127.0.0.1:6379'],
  },
  'cluster show': {
    args: ['<id>'],
    says: 'Show one session',
    options: { redis: REDIS, prefix: PREFIX, function: WHICH, json: JSON_LINES },
    examples: ['velo cluster show order-42 --redis redis://127.0.0.1:6379'],
  },
  'cluster behind': {
    args: [],
    says: 'List sessions with events that are not finished, the longest stalled first',
    options: {
      redis: REDIS,
      prefix: PREFIX,
      function: { value: 'name', says: 'Only sessions of this function' },
      stuck: { value: 'ms', says: 'Only those that have finished none for so long (default: 0)' },
      json: JSON_LINES,
    },
    examples: ['velo cluster behind --stuck 60000 --redis redis://127.0.0.1:6379'],
  },
  'cluster dead': {
    args: ['<id>'],
    says: 'Show a session as it was when it was given up, and the event that it executed then',
    options: { redis: REDIS, prefix: PREFIX, function: DEAD, json: JSON_LINES },
    examples: ['velo cluster dead order-42 --redis redis://127.0.0.1:6379'],
  },
  'cluster replay': {
    args: ['<id>'],
    says: 'Have a session that was given up go on as it was',
    options: { redis: REDIS, prefix: PREFIX, function: DEAD, json: JSON_LINES },
    examples: ['velo cluster replay order-42 --redis redis://127.0.0.1:6379'],
  },
  'cluster reset': {
    args: ['<id>'],
    says: 'Reset the deaths that count against a session',
    options: { redis: REDIS, prefix: PREFIX, function: WHICH, json: JSON_LINES },
    examples: ['velo cluster reset order-42 --redis redis://127.0.0.1:6379'],
  },
  'cluster pause': {
    args: [],
    says: 'Give sessions no more events, until resume; sends are accepted up to the backlog',
    options: { redis: REDIS, prefix: PREFIX, function: ONE, json: JSON_LINES },
    examples: ['velo cluster pause --redis redis://127.0.0.1:6379', 'velo cluster pause --function orders --redis redis://127.0.0.1:6379'],
  },
  'cluster resume': {
    args: [],
    says: 'Give sessions events again',
    options: { redis: REDIS, prefix: PREFIX, function: ONE, json: JSON_LINES },
    examples: ['velo cluster resume --redis redis://127.0.0.1:6379'],
  },
  'cluster undrain': {
    args: ['<worker>'],
    says: 'Have a worker that was drained take sessions again',
    options: { redis: REDIS, prefix: PREFIX, json: JSON_LINES },
    examples: ['velo cluster undrain 4711-3f2a9c01be77 --redis redis://127.0.0.1:6379'],
  },
  'consume pause': {
    args: [],
    says: 'Have the consumers of a group of Redis read no more; what was read is finished',
    options: { redis: REDIS, stream: STREAM, group: GROUP, json: JSON_LINES },
    examples: ['velo consume pause --redis redis://127.0.0.1:6379 --stream clicks --group features'],
  },
  'consume resume': {
    args: [],
    says: 'Have them read again',
    options: { redis: REDIS, stream: STREAM, group: GROUP, json: JSON_LINES },
    examples: ['velo consume resume --redis redis://127.0.0.1:6379 --stream clicks --group features'],
  },
  'consume replay': {
    args: [],
    says: 'Append entries of a dead-letter stream of Redis to the streams that they came from, and remove them there',
    options: {
      redis: REDIS,
      'dead-letter': { value: 'name', says: 'The dead-letter stream' },
      group: { value: 'name', says: 'Only entries of this group (default: of all)' },
      count: { value: 'n', says: 'At most so many, the oldest first (default: all)' },
      json: JSON_LINES,
    },
    examples: ['velo consume replay --redis redis://127.0.0.1:6379 --dead-letter clicks-dead'],
  },
  'cluster drain': {
    args: ['<worker>'],
    says: 'Have a worker hand its sessions over, and take no more; exit code 1 when it still has some',
    options: { redis: REDIS, prefix: PREFIX, timeout: TIMEOUT, json: JSON_LINES },
    examples: ['velo cluster drain 4711-3f2a9c01be77 --redis redis://127.0.0.1:6379'],
  },
  'cluster move': {
    args: ['<id>'],
    says: 'Have a session go on at another worker; exit code 1 when it does not',
    options: {
      redis: REDIS,
      prefix: PREFIX,
      function: WHICH,
      to: { value: 'worker', says: 'That one (default: the one with the fewest sessions)' },
      timeout: TIMEOUT,
      json: JSON_LINES,
    },
    examples: ['velo cluster move order-42 --redis redis://127.0.0.1:6379'],
  },
}
