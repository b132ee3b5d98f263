// What `velo cluster` takes, for its help and for whoever reads its words.

import type { Command, OptionText } from './command.js'

const REDIS: OptionText = { value: 'url', says: 'Server: redis://127.0.0.1:6379' }
const PREFIX: OptionText = { value: 'name', says: 'Prefix of the cluster (default: velo)' }
const TIMEOUT: OptionText = { value: 'ms', says: 'How long to wait until it is done (default: 30000)' }
const WHICH: OptionText = { value: 'name', says: 'The one of this function: needed where it is over, or several have this id' }
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
