// By which key a command finds its server in a cluster, for clients that want to be told.

import type { Argument } from './wire.js'

/** The key that decides; `undefined`: it makes no difference which server answers. */
export function firstKeyOf(command: readonly Argument[]): Argument | undefined {
  const [name, second, third] = command
  switch (name) {
    case 'EVAL':
    case 'EVALSHA':
      return third === 0 || third === '0' ? undefined : command[3]
    case 'XINFO':
    case 'XGROUP':
      return third
    case 'XREAD':
    case 'XREADGROUP':
      return command[command.indexOf('STREAMS') + 1]
    case 'CLIENT':
    case 'CLUSTER':
    case 'COMMAND':
    case 'INFO':
    case 'PING':
      return undefined
    default:
      return second
  }
}
